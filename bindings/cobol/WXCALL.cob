      *----------------------------------------------------------------*
      * WXCALL: makes one call through wx_exec with the records of     *
      * WXLINK.cpy.                                                    *
      *                                                                *
      *     CALL "WXCALL" USING WX-CALL WX-RESULT                      *
      *                                                                *
      * Keeps nothing between calls, and wipes its copy of the token.  *
      * For machines whose size_t has 64 bits.                         *
      *----------------------------------------------------------------*
       IDENTIFICATION DIVISION.
       PROGRAM-ID. WXCALL.

       DATA DIVISION.
       WORKING-STORAGE SECTION.
      *    Has room for the longest token, appid and options, with keys.
       01  ARGS                          PIC X(17500).
       01  ARGS-LEN                      BINARY-DOUBLE UNSIGNED.
       01  OP-LEN                        BINARY-DOUBLE UNSIGNED.
       01  RESULT-CAP                    BINARY-DOUBLE UNSIGNED.
       01  ARGS-AT                       BINARY-LONG UNSIGNED.

       01  ARG-KEY                       PIC X(20).
       01  ARG-VALUE                     PIC X(4097).
       01  I                             BINARY-LONG UNSIGNED.
       01  LINE-END                      PIC X VALUE X"0A".

       01  RESULT-LINE                   PIC X(4200).
       01  LINE-AT                       BINARY-LONG UNSIGNED.
       01  LINE-START                    BINARY-DOUBLE UNSIGNED.
       01  LINE-NAME                     PIC X(64).
       01  SHOWN-LEN                     PIC Z(9)9.

       LINKAGE SECTION.
       COPY WXLINK REPLACING ==X(262144)== BY ==X ANY LENGTH==.

       PROCEDURE DIVISION USING WX-CALL WX-RESULT.
       MAIN-PARAGRAPH.
           PERFORM CLEAR-LAST-RESULT
           PERFORM WRITE-ARGS
           IF WX-OK
               PERFORM CALL-LIBRARY
               PERFORM READ-RESULT
           END-IF
           MOVE SPACES TO ARGS, ARG-VALUE
           GOBACK.

       CLEAR-LAST-RESULT.
           INITIALIZE WX-STATUS, WX-ERRCODE, WX-CLASS, WX-DELIVERY,
               WX-HTTP-STATUS, WX-RID, WX-MESSAGE-LEN, WX-MESSAGE,
               WX-STATE, WX-WAITS-FOR, WX-POSTS, WX-RETRY-AFTER-MS,
               WX-RESULT-LEN,
               WX-ITEM-INDEX
           MOVE 1 TO WX-RESULT-AT.

       WRITE-ARGS.
           MOVE SPACES TO ARGS
           MOVE 1 TO ARGS-AT
           MOVE "format" TO ARG-KEY
           MOVE "lines" TO ARG-VALUE
           PERFORM WRITE-ARG
           MOVE "access_token" TO ARG-KEY
           MOVE WX-ACCESS-TOKEN TO ARG-VALUE
           PERFORM WRITE-ARG
           IF NOT WX-OP-LIST
               MOVE "appid" TO ARG-KEY
               MOVE WX-APPID TO ARG-VALUE
               PERFORM WRITE-ARG
           END-IF
           IF WX-OP-LINK OR WX-OP-ENSURE
               MOVE "notify_users" TO ARG-KEY
               MOVE WX-NOTIFY-USERS TO ARG-VALUE
               PERFORM WRITE-ARG
               MOVE "show_profile" TO ARG-KEY
               MOVE WX-SHOW-PROFILE TO ARG-VALUE
               PERFORM WRITE-ARG
           END-IF
           IF WX-OP-ENSURE OR WX-OP-WAIT
               MOVE "wait_ms" TO ARG-KEY
               MOVE WX-WAIT-MS TO ARG-VALUE
               PERFORM WRITE-ARG
           END-IF
           PERFORM VARYING I FROM 1 BY 1 UNTIL I > 12
               IF WX-OPTION-KEY(I) NOT = SPACES
                   PERFORM WRITE-OPTION
               END-IF
           END-PERFORM.

      *    A truncated value could be a valid but different address, so
      *    it is refused.
       WRITE-OPTION.
           IF WX-OPTION-VALUE(I)(LENGTH OF WX-OPTION-VALUE(I):1)
                   NOT = SPACE
               SET WX-E-BAD-OPTION TO TRUE
               MOVE WX-STATUS TO WX-ERRCODE
               MOVE "an option's value is longer than 1023 bytes"
                   TO WX-MESSAGE
               PERFORM MEASURE-MESSAGE
           ELSE
               MOVE WX-OPTION-KEY(I) TO ARG-KEY
               MOVE WX-OPTION-VALUE(I) TO ARG-VALUE
               PERFORM WRITE-ARG
           END-IF.

      *    A line end within a value would start another argument. The
      *    library refuses the other control character in its place.
       WRITE-ARG.
           INSPECT ARG-VALUE REPLACING ALL X"0A" BY X"01"
                                       ALL X"0D" BY X"01"
           STRING ARG-KEY DELIMITED BY SPACE
                  "=" FUNCTION TRIM(ARG-VALUE TRAILING) LINE-END
                      DELIMITED BY SIZE
               INTO ARGS WITH POINTER ARGS-AT
           END-STRING.

       CALL-LIBRARY.
           MOVE LENGTH OF WX-OP TO OP-LEN
           COMPUTE ARGS-LEN = ARGS-AT - 1
           MOVE FUNCTION LENGTH(WX-RESULT) TO RESULT-CAP
           CALL "wx_exec" USING
               BY REFERENCE WX-OP     BY VALUE OP-LEN
               BY REFERENCE ARGS      BY VALUE ARGS-LEN
               BY REFERENCE WX-RESULT BY VALUE RESULT-CAP
               BY REFERENCE WX-RESULT-LEN
               RETURNING WX-STATUS
           END-CALL.

       READ-RESULT.
           IF WX-E-BUFFER
               MOVE WX-STATUS TO WX-ERRCODE
               MOVE WX-RESULT-LEN TO SHOWN-LEN
               STRING "WX-RESULT is too small: the result needs "
                      FUNCTION TRIM(SHOWN-LEN) " bytes"
                          DELIMITED BY SIZE
                   INTO WX-MESSAGE
               END-STRING
               PERFORM MEASURE-MESSAGE
      *        WXITEM must find no item.
               COMPUTE WX-RESULT-AT = WX-RESULT-LEN + 1
           ELSE
               PERFORM READ-LINE
                   UNTIL WX-RESULT-AT > WX-RESULT-LEN
                       OR LINE-NAME(1:15) = "/wxopens/items/"
      *        WXITEM starts with the line that ended this loop.
               IF LINE-NAME(1:15) = "/wxopens/items/"
                   MOVE LINE-START TO WX-RESULT-AT
               END-IF
           END-IF
           MOVE SPACES TO LINE-NAME.

       READ-LINE.
           MOVE WX-RESULT-AT TO LINE-START
           UNSTRING WX-RESULT(1:WX-RESULT-LEN) DELIMITED BY LINE-END
               INTO RESULT-LINE WITH POINTER WX-RESULT-AT
           END-UNSTRING
           MOVE 1 TO LINE-AT
           UNSTRING RESULT-LINE DELIMITED BY "="
               INTO LINE-NAME WITH POINTER LINE-AT
           END-UNSTRING
           EVALUATE LINE-NAME
               WHEN "errcode"
                   COMPUTE WX-ERRCODE =
                       FUNCTION NUMVAL(RESULT-LINE(LINE-AT:12))
               WHEN "class"
                   MOVE RESULT-LINE(LINE-AT:) TO WX-CLASS
               WHEN "delivery"
                   MOVE RESULT-LINE(LINE-AT:1) TO WX-DELIVERY
               WHEN "http_status"
                   COMPUTE WX-HTTP-STATUS =
                       FUNCTION NUMVAL(RESULT-LINE(LINE-AT:12))
               WHEN "rid"
                   MOVE RESULT-LINE(LINE-AT:) TO WX-RID
               WHEN "message"
                   MOVE RESULT-LINE(LINE-AT:) TO WX-MESSAGE
                   PERFORM MEASURE-MESSAGE
               WHEN "/state"
                   MOVE RESULT-LINE(LINE-AT:) TO WX-STATE
               WHEN "/waits_for"
                   MOVE RESULT-LINE(LINE-AT:) TO WX-WAITS-FOR
               WHEN "/posts"
                   COMPUTE WX-POSTS =
                       FUNCTION NUMVAL(RESULT-LINE(LINE-AT:12))
               WHEN "/retry_after_ms"
                   COMPUTE WX-RETRY-AFTER-MS =
                       FUNCTION NUMVAL(RESULT-LINE(LINE-AT:12))
           END-EVALUATE.

       MEASURE-MESSAGE.
           MOVE LENGTH OF WX-MESSAGE TO WX-MESSAGE-LEN
           PERFORM UNTIL WX-MESSAGE-LEN = 0
                   OR WX-MESSAGE(WX-MESSAGE-LEN:1) NOT = SPACE
               SUBTRACT 1 FROM WX-MESSAGE-LEN
           END-PERFORM.

       END PROGRAM WXCALL.

      *----------------------------------------------------------------*
      * WXCALL: makes one call with the records of WXLINK.cpy.         *
      *                                                                *
      *     CALL "WXCALL" USING WX-CALL WX-RESULT                      *
      *                                                                *
      * Keeps the last 16 lists for WXITEM, and wipes its copies of    *
      * the token and the options. For machines whose size_t has 64    *
      * bits.                                                          *
      *----------------------------------------------------------------*
       IDENTIFICATION DIVISION.
       PROGRAM-ID. WXCALL.

       DATA DIVISION.
       WORKING-STORAGE SECTION.
       COPY WXLISTS.
       01  OPTION-HANDLE                       USAGE POINTER.
       01  CLIENT                        USAGE POINTER.
       01  OUTCOME                       USAGE POINTER.
       01  NO-TEXT                       USAGE POINTER.

      *    Texts for C: NULs replace the spaces at the end. A NUL within
      *    a text becomes X"01", which the library refuses.
       01  C-TOKEN                       PIC X(4098).
       01  C-APPID                       PIC X(258).
       01  C-LONG                        PIC X(4098).
       01  BODY-LEN                      BINARY-DOUBLE UNSIGNED.
       01  C-KEY                         PIC X(21).
       01  C-VALUE                       PIC X(1025).
       01  NOTIFY-USERS                  BINARY-LONG.
       01  SHOW-PROFILE                  BINARY-LONG.
       01  WAIT-MS                       BINARY-LONG UNSIGNED.
       01  CODE-OF-CLASS                 BINARY-LONG.
       01  DELIVERY                      BINARY-LONG.
       01  HTTP-STATUS                   BINARY-LONG.
       01  I                             BINARY-LONG UNSIGNED.

       01  TEXT-ADDRESS                  USAGE POINTER.
       01  TEXT-LEN                      BINARY-LONG UNSIGNED.
       01  TEXT-VALUE                    PIC X(4096).
       01  PLACE                         PIC X(32).
       01  PLACE-CAP                     BINARY-DOUBLE VALUE 32.
       01  PLACE-LEN                     BINARY-LONG.

       LINKAGE SECTION.
       COPY WXLINK REPLACING ==X(262144)== BY ==X ANY LENGTH==.
       01  C-TEXT                        PIC X(268435456).

       PROCEDURE DIVISION USING WX-CALL WX-RESULT.
       MAIN-PARAGRAPH.
           PERFORM CLEAR-LAST-RESULT
           SET CLIENT, OUTCOME, NO-TEXT TO NULL
           CALL "wx_options_new" RETURNING OPTION-HANDLE
           PERFORM VARYING I FROM 1 BY 1 UNTIL I > 12 OR NOT WX-OK
               IF WX-OPTION-KEY(I) NOT = SPACES
                   PERFORM SET-OPTION
               END-IF
           END-PERFORM
           IF WX-OK
               CALL "wx_client_new" USING
                   BY VALUE OPTION-HANDLE BY REFERENCE CLIENT
                   RETURNING WX-STATUS
               END-CALL
               IF NOT WX-OK
                   PERFORM TAKE-OPTION-HANDLE-MESSAGE
               END-IF
           END-IF
           IF WX-OK
               PERFORM CALL-LIBRARY
           END-IF
           CALL "wx_client_free" USING BY VALUE CLIENT END-CALL
           CALL "wx_options_free" USING BY VALUE OPTION-HANDLE END-CALL
           MOVE SPACES TO C-TOKEN, C-VALUE
           GOBACK.

       CLEAR-LAST-RESULT.
           INITIALIZE WX-STATUS, WX-ERRCODE, WX-CLASS, WX-DELIVERY,
               WX-HTTP-STATUS, WX-RID, WX-MESSAGE-LEN, WX-MESSAGE,
               WX-STATE, WX-WAITS-FOR, WX-POSTS, WX-RETRY-AFTER-MS,
               WX-RESULT-LEN, WX-ITEM-INDEX
           MOVE SPACES TO WX-RESULT
           PERFORM VARYING I FROM 1 BY 1 UNTIL I > 16
               IF WX-LIST-NUMBER NOT = 0
                       AND LIST-NUMBER(I) = WX-LIST-NUMBER
                   PERFORM FREE-LIST
               END-IF
           END-PERFORM
           MOVE 0 TO WX-LIST-NUMBER.

       FREE-LIST.
           CALL "wx_result_free" USING BY VALUE LIST-RESULT(I) END-CALL
           MOVE 0 TO LIST-NUMBER(I)
           SET LIST-RESULT(I) TO NULL.

      *    A truncated value could be a valid but different address, so
      *    it is refused.
       SET-OPTION.
           IF WX-OPTION-VALUE(I)(LENGTH OF WX-OPTION-VALUE(I):1)
                   NOT = SPACE
               SET WX-E-BAD-OPTION TO TRUE
               MOVE WX-STATUS TO WX-ERRCODE
               MOVE "an option's value is longer than 1023 bytes"
                   TO WX-MESSAGE
               PERFORM MEASURE-MESSAGE
           ELSE
               MOVE WX-OPTION-KEY(I) TO C-KEY
               MOVE WX-OPTION-VALUE(I) TO C-VALUE
               INSPECT C-KEY REPLACING ALL X"00" BY X"01"
               INSPECT C-KEY REPLACING TRAILING SPACES BY X"00"
               INSPECT C-VALUE REPLACING ALL X"00" BY X"01"
               INSPECT C-VALUE REPLACING TRAILING SPACES BY X"00"
               CALL "wx_options_set" USING
                   BY VALUE OPTION-HANDLE BY REFERENCE C-KEY C-VALUE
                   RETURNING WX-STATUS
               END-CALL
               IF NOT WX-OK
                   PERFORM TAKE-OPTION-HANDLE-MESSAGE
               END-IF
           END-IF.

       CALL-LIBRARY.
           MOVE WX-ACCESS-TOKEN TO C-TOKEN
           INSPECT C-TOKEN REPLACING ALL X"00" BY X"01"
           INSPECT C-TOKEN REPLACING TRAILING SPACES BY X"00"
           MOVE WX-APPID TO C-APPID
           INSPECT C-APPID REPLACING ALL X"00" BY X"01"
           INSPECT C-APPID REPLACING TRAILING SPACES BY X"00"
      *    The library refuses a flag of -1.
           MOVE -1 TO NOTIFY-USERS, SHOW-PROFILE
           IF WX-NOTIFY-USERS = "0" OR "1"
               COMPUTE NOTIFY-USERS = FUNCTION NUMVAL(WX-NOTIFY-USERS)
           END-IF
           IF WX-SHOW-PROFILE = "0" OR "1"
               COMPUTE SHOW-PROFILE = FUNCTION NUMVAL(WX-SHOW-PROFILE)
           END-IF
           MOVE WX-WAIT-MS TO WAIT-MS
           EVALUATE TRUE
               WHEN WX-OP-LINK
                   CALL "wx_link_miniprogram" USING
                       BY VALUE CLIENT BY REFERENCE C-TOKEN C-APPID
                       BY VALUE NOTIFY-USERS SHOW-PROFILE
                       BY REFERENCE OUTCOME RETURNING WX-STATUS
                   END-CALL
               WHEN WX-OP-LIST
                   CALL "wx_get_linked" USING
                       BY VALUE CLIENT BY REFERENCE C-TOKEN
                       BY REFERENCE OUTCOME RETURNING WX-STATUS
                   END-CALL
               WHEN WX-OP-UNLINK
                   CALL "wx_unlink_miniprogram" USING
                       BY VALUE CLIENT BY REFERENCE C-TOKEN C-APPID
                       BY REFERENCE OUTCOME RETURNING WX-STATUS
                   END-CALL
               WHEN WX-OP-ENSURE
                   CALL "wx_ensure_linked" USING
                       BY VALUE CLIENT BY REFERENCE C-TOKEN C-APPID
                       BY VALUE NOTIFY-USERS SHOW-PROFILE WAIT-MS
                       BY REFERENCE OUTCOME RETURNING WX-STATUS
                   END-CALL
               WHEN WX-OP-WAIT
                   CALL "wx_wait_linked" USING
                       BY VALUE CLIENT BY REFERENCE C-TOKEN C-APPID
                       BY VALUE WAIT-MS
                       BY REFERENCE OUTCOME RETURNING WX-STATUS
                   END-CALL
               WHEN WX-OP-PUSH
                       AND WX-PUSH-BODY-LEN > LENGTH OF WX-PUSH-BODY
                   SET WX-E-BAD-VALUE TO TRUE
                   MOVE WX-STATUS TO WX-ERRCODE
                   MOVE "WX-PUSH-BODY-LEN is out of range" TO WX-MESSAGE
                   PERFORM MEASURE-MESSAGE
               WHEN WX-OP-PUSH
                   MOVE WX-PUSH-QUERY TO C-LONG
                   PERFORM END-C-LONG
                   MOVE WX-PUSH-BODY-LEN TO BODY-LEN
                   CALL "wx_client_accept_push" USING
                       BY VALUE CLIENT BY REFERENCE C-LONG WX-PUSH-BODY
                       BY VALUE BODY-LEN
                       BY REFERENCE OUTCOME RETURNING WX-STATUS
                   END-CALL
               WHEN WX-OP-URL
                   MOVE WX-REDIRECT-URI TO C-LONG
                   PERFORM END-C-LONG
                   IF WX-APPID = SPACES
                       CALL "wx_client_authorization_url" USING
                           BY VALUE CLIENT BY REFERENCE C-LONG
                           BY VALUE NO-TEXT
                           BY REFERENCE OUTCOME RETURNING WX-STATUS
                       END-CALL
                   ELSE
                       CALL "wx_client_authorization_url" USING
                           BY VALUE CLIENT
                           BY REFERENCE C-LONG C-APPID OUTCOME
                           RETURNING WX-STATUS
                       END-CALL
                   END-IF
               WHEN WX-OP-CODE
                   MOVE WX-CODE TO C-LONG
                   PERFORM END-C-LONG
                   CALL "wx_client_accept_authorization" USING
                       BY VALUE CLIENT BY REFERENCE C-LONG OUTCOME
                       RETURNING WX-STATUS
                   END-CALL
                   MOVE SPACES TO C-LONG
               WHEN WX-OP-INFO
                   CALL "wx_client_account_info" USING
                       BY VALUE CLIENT BY REFERENCE C-APPID OUTCOME
                       RETURNING WX-STATUS
                   END-CALL
               WHEN OTHER
                   SET WX-E-BAD-VALUE TO TRUE
                   MOVE WX-STATUS TO WX-ERRCODE
                   MOVE "WX-OP is unknown" TO WX-MESSAGE
                   PERFORM MEASURE-MESSAGE
           END-EVALUATE
           IF OUTCOME NOT = NULL
               PERFORM READ-RESULT
           END-IF.

       END-C-LONG.
           INSPECT C-LONG REPLACING ALL X"00" BY X"01"
           INSPECT C-LONG REPLACING TRAILING SPACES BY X"00".

       READ-RESULT.
           CALL "wx_result_errcode" USING BY VALUE OUTCOME
               RETURNING WX-ERRCODE
           END-CALL
           CALL "wx_result_class" USING BY VALUE OUTCOME
               RETURNING CODE-OF-CLASS
           END-CALL
           CALL "wx_class_text" USING
               BY VALUE CODE-OF-CLASS NO-TEXT NO-TEXT
               RETURNING TEXT-ADDRESS
           END-CALL
           PERFORM TAKE-TEXT
           MOVE TEXT-VALUE TO WX-CLASS
           CALL "wx_result_delivery" USING BY VALUE OUTCOME
               RETURNING DELIVERY
           END-CALL
           MOVE DELIVERY TO WX-DELIVERY
           CALL "wx_result_http_status" USING BY VALUE OUTCOME
               RETURNING HTTP-STATUS
           END-CALL
           MOVE HTTP-STATUS TO WX-HTTP-STATUS
           CALL "wx_result_rid" USING BY VALUE OUTCOME
               RETURNING TEXT-ADDRESS
           END-CALL
           PERFORM TAKE-TEXT
           MOVE TEXT-VALUE TO WX-RID
           CALL "wx_result_message" USING BY VALUE OUTCOME
               RETURNING TEXT-ADDRESS
           END-CALL
           PERFORM TAKE-MESSAGE
           CALL "wx_result_json" USING
               BY VALUE OUTCOME BY REFERENCE WX-RESULT-LEN
               RETURNING TEXT-ADDRESS
           END-CALL
           IF WX-RESULT-LEN > 0
               SET ADDRESS OF C-TEXT TO TEXT-ADDRESS
               COMPUTE TEXT-LEN = FUNCTION MIN
                   (WX-RESULT-LEN FUNCTION LENGTH(WX-RESULT))
               MOVE C-TEXT(1:TEXT-LEN) TO WX-RESULT
           END-IF
           IF WX-OP-ENSURE OR WX-OP-WAIT
               PERFORM READ-PROGRESS
           END-IF
           IF WX-OP-LIST AND WX-OK
               PERFORM KEEP-LIST
           ELSE
               CALL "wx_result_free" USING BY VALUE OUTCOME END-CALL
           END-IF.

       READ-PROGRESS.
           MOVE Z"/state" TO PLACE
           PERFORM READ-PLACE
           MOVE TEXT-VALUE TO WX-STATE
           MOVE Z"/waits_for" TO PLACE
           PERFORM READ-PLACE
           MOVE TEXT-VALUE TO WX-WAITS-FOR
           MOVE Z"/posts" TO PLACE
           PERFORM READ-PLACE
           COMPUTE WX-POSTS = FUNCTION NUMVAL(TEXT-VALUE)
           MOVE Z"/retry_after_ms" TO PLACE
           PERFORM READ-PLACE
           COMPUTE WX-RETRY-AFTER-MS = FUNCTION NUMVAL(TEXT-VALUE).

       READ-PLACE.
           MOVE SPACES TO TEXT-VALUE
           CALL "wx_result_get" USING
               BY VALUE OUTCOME BY REFERENCE PLACE TEXT-VALUE
               BY VALUE PLACE-CAP RETURNING PLACE-LEN
           END-CALL
           IF PLACE-LEN > 0
               MOVE SPACES TO TEXT-VALUE(PLACE-LEN + 1:)
           ELSE
               MOVE SPACES TO TEXT-VALUE
           END-IF.

      *    The oldest of the lists makes room.
       KEEP-LIST.
           ADD 1 TO LAST-LIST-NUMBER
           COMPUTE I = FUNCTION MOD(LAST-LIST-NUMBER 16) + 1
           PERFORM FREE-LIST
           MOVE OUTCOME TO LIST-RESULT(I)
           MOVE LAST-LIST-NUMBER TO LIST-NUMBER(I), WX-LIST-NUMBER.

       TAKE-OPTION-HANDLE-MESSAGE.
           MOVE WX-STATUS TO WX-ERRCODE
           CALL "wx_options_message" USING BY VALUE OPTION-HANDLE
               RETURNING TEXT-ADDRESS
           END-CALL
           PERFORM TAKE-MESSAGE.

       TAKE-MESSAGE.
           PERFORM TAKE-TEXT
           MOVE TEXT-VALUE TO WX-MESSAGE
           PERFORM MEASURE-MESSAGE.

      *    A text that is too long is cut between two characters.
       TAKE-TEXT.
           MOVE SPACES TO TEXT-VALUE
           SET ADDRESS OF C-TEXT TO TEXT-ADDRESS
           PERFORM VARYING TEXT-LEN FROM 0 BY 1
                   UNTIL C-TEXT(TEXT-LEN + 1:1) = X"00"
               CONTINUE
           END-PERFORM
           IF TEXT-LEN > LENGTH OF TEXT-VALUE
               MOVE LENGTH OF TEXT-VALUE TO TEXT-LEN
               PERFORM UNTIL C-TEXT(TEXT-LEN + 1:1) < X"80"
                       OR C-TEXT(TEXT-LEN + 1:1) > X"BF"
                   SUBTRACT 1 FROM TEXT-LEN
               END-PERFORM
           END-IF
           IF TEXT-LEN > 0
               MOVE C-TEXT(1:TEXT-LEN) TO TEXT-VALUE
           END-IF.

       MEASURE-MESSAGE.
           MOVE LENGTH OF WX-MESSAGE TO WX-MESSAGE-LEN
           PERFORM UNTIL WX-MESSAGE-LEN = 0
                   OR WX-MESSAGE(WX-MESSAGE-LEN:1) NOT = SPACE
               SUBTRACT 1 FROM WX-MESSAGE-LEN
           END-PERFORM.

       END PROGRAM WXCALL.

      *----------------------------------------------------------------*
      * Makes the calls of the shared test vectors: one request per    *
      * line on stdin, one reply per line on stdout.                   *
      * tests/conformance.rs describes the lines.                      *
      *----------------------------------------------------------------*
       IDENTIFICATION DIVISION.
       PROGRAM-ID. CONFORM.

       ENVIRONMENT DIVISION.
       INPUT-OUTPUT SECTION.
       FILE-CONTROL.
           SELECT REQUESTS ASSIGN TO KEYBOARD
               ORGANIZATION LINE SEQUENTIAL.

       DATA DIVISION.
       FILE SECTION.
       FD  REQUESTS
           RECORD IS VARYING IN SIZE FROM 1 TO 32768
               DEPENDING ON REQUEST-LEN.
       01  REQUEST                       PIC X(32768).

       WORKING-STORAGE SECTION.
       COPY WXLINK.
       01  REQUEST-STATE                 PIC X VALUE "N".
           88  NO-MORE-REQUESTS          VALUE "Y".
       01  REQUEST-AT                    BINARY-LONG UNSIGNED.
       01  REQUEST-LEN                   BINARY-LONG UNSIGNED.
       01  REQUEST-VERB                  PIC X(16).
       01  FIELD                         PIC X(32768).
       01  FIELD-AT                      BINARY-LONG UNSIGNED.
       01  FIELD-LEN                     BINARY-LONG UNSIGNED.
       01  FIELD-KEY                     PIC X(64).
       01  FIELD-VALUE                   PIC X(16384).
       01  VALUE-LEN                     BINARY-LONG UNSIGNED.
       01  OPTION-COUNT                  BINARY-LONG UNSIGNED.
       01  GIVEN-KEY                     PIC X(64).
       01  GIVEN-VALUE                   PIC X(16384).
       01  GIVEN-ERRCODE                 BINARY-LONG.
       01  GIVEN-ENDPOINT                PIC X(24).

       01  REPLY                         PIC X(1048576).
       01  REPLY-AT                      BINARY-LONG UNSIGNED.
       01  PUT-KEY                       PIC X(64).
       01  PUT-VALUE                     PIC X(262144).
       01  PUT-LEN                       BINARY-LONG UNSIGNED.
       01  NUMBER-SHOWN                  PIC -(9)9.
       01  ITEM-SHOWN                    PIC Z(8)9.
       01  FUNC-SHOWN                    PIC 9.
       01  STATUS-NAME                   PIC X(64).
       01  STATUS-CODE                   BINARY-LONG.

       01  HEX-DIGITS                    PIC X(16)
                                         VALUE "0123456789ABCDEF".
       01  HIGH-DIGIT                    BINARY-LONG UNSIGNED.
       01  LOW-DIGIT                     BINARY-LONG UNSIGNED.
       01  BYTE                          PIC X.
       01  BYTE-CODE                     BINARY-LONG UNSIGNED.
       01  I                             BINARY-LONG UNSIGNED.

       01  OPTION-HANDLE                 USAGE POINTER.
       01  TEXT-ADDRESS                  USAGE POINTER.
       01  C-FIELD                       PIC X(16).

       LINKAGE SECTION.
       01  C-TEXT                        PIC X(65536).

       PROCEDURE DIVISION.
       MAIN-PARAGRAPH.
           OPEN INPUT REQUESTS
           PERFORM READ-REQUEST
           PERFORM UNTIL NO-MORE-REQUESTS
               MOVE 1 TO REPLY-AT
               EVALUATE REQUEST-VERB
                   WHEN "option"
                       PERFORM SET-OPTION
                   WHEN "errcodes"
                       PERFORM EXPLAIN
                   WHEN OTHER
                       PERFORM MAKE-CALL
               END-EVALUATE
               DISPLAY REPLY(1:REPLY-AT - 1)
               PERFORM READ-REQUEST
           END-PERFORM
           STOP RUN RETURNING 0.

       READ-REQUEST.
           READ REQUESTS AT END
               SET NO-MORE-REQUESTS TO TRUE
           NOT AT END
               PERFORM PARSE-REQUEST
           END-READ.

       PARSE-REQUEST.
           INITIALIZE WX-CALL
           MOVE 0 TO OPTION-COUNT
           MOVE SPACES TO GIVEN-KEY, GIVEN-ENDPOINT
           MOVE LOW-VALUES TO GIVEN-VALUE
           MOVE 1 TO REQUEST-AT
           UNSTRING REQUEST(1:REQUEST-LEN) DELIMITED BY X"09"
               INTO REQUEST-VERB WITH POINTER REQUEST-AT
           END-UNSTRING
           PERFORM UNTIL REQUEST-AT > REQUEST-LEN
               UNSTRING REQUEST(1:REQUEST-LEN) DELIMITED BY X"09"
                   INTO FIELD COUNT IN FIELD-LEN WITH POINTER REQUEST-AT
               END-UNSTRING
               PERFORM PARSE-FIELD
           END-PERFORM.

       PARSE-FIELD.
           MOVE 1 TO FIELD-AT
           UNSTRING FIELD DELIMITED BY "=" INTO FIELD-KEY
               WITH POINTER FIELD-AT
           END-UNSTRING
           PERFORM DECODE-VALUE
           EVALUATE TRUE
               WHEN FIELD-KEY(1:7) = "option."
                   ADD 1 TO OPTION-COUNT
                   MOVE FIELD-KEY(8:) TO WX-OPTION-KEY(OPTION-COUNT)
                   MOVE FIELD-VALUE TO WX-OPTION-VALUE(OPTION-COUNT)
               WHEN FIELD-KEY = "access_token"
                   MOVE FIELD-VALUE TO WX-ACCESS-TOKEN
               WHEN FIELD-KEY = "appid"
                   MOVE FIELD-VALUE TO WX-APPID
               WHEN FIELD-KEY = "notify_users"
                   MOVE FIELD-VALUE TO WX-NOTIFY-USERS
               WHEN FIELD-KEY = "show_profile"
                   MOVE FIELD-VALUE TO WX-SHOW-PROFILE
               WHEN FIELD-KEY = "wait_ms"
                   MOVE FUNCTION NUMVAL(FIELD-VALUE(1:9)) TO WX-WAIT-MS
               WHEN FIELD-KEY = "query"
                   MOVE FIELD-VALUE TO WX-PUSH-QUERY
               WHEN FIELD-KEY = "body"
                   MOVE FIELD-VALUE TO WX-PUSH-BODY
                   MOVE VALUE-LEN TO WX-PUSH-BODY-LEN
               WHEN FIELD-KEY = "errcode"
                   COMPUTE GIVEN-ERRCODE =
                       FUNCTION NUMVAL(FIELD-VALUE(1:12))
               WHEN FIELD-KEY = "endpoint"
                   MOVE FIELD-VALUE TO GIVEN-ENDPOINT
               WHEN FIELD-KEY = "key"
                   MOVE FIELD-VALUE TO GIVEN-KEY
               WHEN FIELD-KEY = "value"
                   IF VALUE-LEN > 0
                       MOVE FIELD-VALUE(1:VALUE-LEN)
                           TO GIVEN-VALUE(1:VALUE-LEN)
                   END-IF
           END-EVALUATE.

      *    Replaces every %XX by its byte.
       DECODE-VALUE.
           MOVE SPACES TO FIELD-VALUE
           MOVE 0 TO VALUE-LEN
           PERFORM UNTIL FIELD-AT > FIELD-LEN
               MOVE FIELD(FIELD-AT:1) TO BYTE
               IF BYTE = "%"
                   MOVE 0 TO HIGH-DIGIT, LOW-DIGIT
                   INSPECT HEX-DIGITS TALLYING HIGH-DIGIT
                       FOR CHARACTERS BEFORE FIELD(FIELD-AT + 1:1)
                   INSPECT HEX-DIGITS TALLYING LOW-DIGIT
                       FOR CHARACTERS BEFORE FIELD(FIELD-AT + 2:1)
                   MOVE FUNCTION CHAR(HIGH-DIGIT * 16 + LOW-DIGIT + 1)
                       TO BYTE
                   ADD 2 TO FIELD-AT
               END-IF
               ADD 1 TO FIELD-AT, VALUE-LEN
               MOVE BYTE TO FIELD-VALUE(VALUE-LEN:1)
           END-PERFORM.

      *    Without WXCALL, which takes no spaces at the end of a value.
       SET-OPTION.
           INSPECT GIVEN-KEY REPLACING TRAILING SPACES BY X"00"
           CALL "wx_options_new" RETURNING OPTION-HANDLE END-CALL
           CALL "wx_options_set" USING
               BY VALUE OPTION-HANDLE BY REFERENCE GIVEN-KEY GIVEN-VALUE
               RETURNING STATUS-CODE
           END-CALL
           PERFORM PUT-STATUS
           CALL "wx_options_message" USING BY VALUE OPTION-HANDLE
               RETURNING TEXT-ADDRESS
           END-CALL
           MOVE "message" TO PUT-KEY
           PERFORM PUT-C-TEXT
           CALL "wx_options_free" USING BY VALUE OPTION-HANDLE END-CALL.

       EXPLAIN.
           INSPECT GIVEN-ENDPOINT REPLACING TRAILING SPACES BY X"00"
           MOVE Z"name" TO C-FIELD
           PERFORM FIND-EXPLANATION
           SET ADDRESS OF C-TEXT TO TEXT-ADDRESS
           MOVE "status" TO PUT-KEY
           MOVE "OK" TO PUT-VALUE
           IF C-TEXT(1:1) = X"00"
               MOVE "NOT_FOUND" TO PUT-VALUE
           END-IF
           PERFORM PUT-TEXT
           MOVE "name" TO PUT-KEY
           PERFORM PUT-C-TEXT
           MOVE "class" TO PUT-KEY
           PERFORM PUT-EXPLANATION
           MOVE "meaning" TO PUT-KEY
           PERFORM PUT-EXPLANATION
           MOVE "remedy" TO PUT-KEY
           PERFORM PUT-EXPLANATION.

       PUT-EXPLANATION.
           MOVE PUT-KEY TO C-FIELD
           INSPECT C-FIELD REPLACING TRAILING SPACES BY X"00"
           PERFORM FIND-EXPLANATION
           PERFORM PUT-C-TEXT.

       FIND-EXPLANATION.
           CALL "wx_errcode_text" USING
               BY REFERENCE GIVEN-ENDPOINT BY VALUE GIVEN-ERRCODE
               BY REFERENCE C-FIELD Z"en" RETURNING TEXT-ADDRESS
           END-CALL.

       MAKE-CALL.
           MOVE REQUEST-VERB TO WX-OP
           IF REQUEST-VERB = "get"
               SET WX-OP-LIST TO TRUE
           END-IF
           CALL "WXCALL" USING WX-CALL WX-RESULT END-CALL
           MOVE WX-STATUS TO STATUS-CODE
           PERFORM PUT-STATUS
           IF WX-OK OR WX-E-API
               MOVE "errcode" TO PUT-KEY
               MOVE WX-ERRCODE TO NUMBER-SHOWN
               PERFORM PUT-NUMBER
           END-IF
           MOVE "class" TO PUT-KEY
           MOVE WX-CLASS TO PUT-VALUE
           PERFORM PUT-TEXT
           MOVE "delivery" TO PUT-KEY
           EVALUATE TRUE
               WHEN WX-DELIVERY-NEVER-SENT
                   MOVE "never sent" TO PUT-VALUE
               WHEN WX-DELIVERY-ANSWERED
                   MOVE "answered" TO PUT-VALUE
               WHEN OTHER
                   MOVE "unknown" TO PUT-VALUE
           END-EVALUATE
           PERFORM PUT-TEXT
           MOVE "http_status" TO PUT-KEY
           MOVE WX-HTTP-STATUS TO NUMBER-SHOWN
           PERFORM PUT-NUMBER
           MOVE "rid" TO PUT-KEY
           MOVE WX-RID TO PUT-VALUE
           PERFORM PUT-TEXT
           MOVE "message" TO PUT-KEY
           MOVE WX-MESSAGE TO PUT-VALUE
           PERFORM PUT-TEXT
           MOVE "body" TO PUT-KEY
           MOVE WX-RESULT TO PUT-VALUE
           MOVE WX-RESULT-LEN TO PUT-LEN
           PERFORM PUT-FIELD
           IF WX-OP-ENSURE OR WX-OP-WAIT
               MOVE "state" TO PUT-KEY
               MOVE WX-STATE TO PUT-VALUE
               PERFORM PUT-TEXT
               MOVE "waits_for" TO PUT-KEY
               MOVE WX-WAITS-FOR TO PUT-VALUE
               PERFORM PUT-TEXT
               MOVE "posts" TO PUT-KEY
               MOVE WX-POSTS TO NUMBER-SHOWN
               PERFORM PUT-NUMBER
           END-IF
           IF WX-OP-LIST AND WX-OK
               PERFORM PUT-ITEMS
           END-IF.

       PUT-ITEMS.
           CALL "WXITEM" USING WX-CALL WX-RESULT WX-ITEM END-CALL
           PERFORM UNTIL WX-NO-MORE-ITEMS
               COMPUTE ITEM-SHOWN = WX-ITEM-INDEX - 1
               PERFORM PUT-ITEM
               CALL "WXITEM" USING WX-CALL WX-RESULT WX-ITEM END-CALL
           END-PERFORM
           MOVE "items" TO PUT-KEY
           MOVE WX-ITEM-INDEX TO NUMBER-SHOWN
           PERFORM PUT-NUMBER.

       PUT-ITEM.
           MOVE "status" TO PUT-KEY
           MOVE WX-ITEM-STATUS TO PUT-VALUE
           PERFORM PUT-ITEM-FIELD
           MOVE "username" TO PUT-KEY
           MOVE WX-ITEM-USERNAME TO PUT-VALUE
           PERFORM PUT-ITEM-FIELD
           MOVE "appid" TO PUT-KEY
           MOVE WX-ITEM-APPID TO PUT-VALUE
           PERFORM PUT-ITEM-FIELD
           MOVE "source" TO PUT-KEY
           MOVE WX-ITEM-SOURCE TO PUT-VALUE
           PERFORM PUT-ITEM-FIELD
           MOVE "nickname" TO PUT-KEY
           MOVE WX-ITEM-NICKNAME TO PUT-VALUE
           PERFORM PUT-ITEM-FIELD
           MOVE "selected" TO PUT-KEY
           MOVE WX-ITEM-SELECTED TO PUT-VALUE
           PERFORM PUT-ITEM-FIELD
           MOVE "nearby_display_status" TO PUT-KEY
           MOVE WX-ITEM-NEARBY TO PUT-VALUE
           PERFORM PUT-ITEM-FIELD
           MOVE "released" TO PUT-KEY
           MOVE WX-ITEM-RELEASED TO PUT-VALUE
           PERFORM PUT-ITEM-FIELD
           MOVE "headimg_url" TO PUT-KEY
           MOVE WX-ITEM-HEADIMG-URL TO PUT-VALUE
           PERFORM PUT-ITEM-FIELD
           MOVE "copy_verify_status" TO PUT-KEY
           MOVE WX-ITEM-COPY-VERIFY TO PUT-VALUE
           PERFORM PUT-ITEM-FIELD
           MOVE "email" TO PUT-KEY
           MOVE WX-ITEM-EMAIL TO PUT-VALUE
           PERFORM PUT-ITEM-FIELD
           MOVE "func_infos" TO PUT-KEY
           MOVE WX-ITEM-FUNC-COUNT TO NUMBER-SHOWN
           MOVE FUNCTION TRIM(NUMBER-SHOWN) TO PUT-VALUE
           PERFORM PUT-ITEM-FIELD
           PERFORM VARYING I FROM 1 BY 1 UNTIL I > WX-ITEM-FUNC-COUNT
               COMPUTE FUNC-SHOWN = I - 1
               MOVE WX-ITEM-FUNC-ID(I) TO PUT-VALUE
               STRING "func_infos." FUNC-SHOWN ".id"
                   DELIMITED BY SIZE INTO PUT-KEY
               END-STRING
               PERFORM PUT-ITEM-FIELD
               MOVE WX-ITEM-FUNC-STATUS(I) TO PUT-VALUE
               STRING "func_infos." FUNC-SHOWN ".status"
                   DELIMITED BY SIZE INTO PUT-KEY
               END-STRING
               PERFORM PUT-ITEM-FIELD
               MOVE WX-ITEM-FUNC-NAME(I) TO PUT-VALUE
               STRING "func_infos." FUNC-SHOWN ".name"
                   DELIMITED BY SIZE INTO PUT-KEY
               END-STRING
               PERFORM PUT-ITEM-FIELD
           END-PERFORM.

      *    A field that is missing is left out.
       PUT-ITEM-FIELD.
           IF PUT-VALUE NOT = SPACES
               MOVE PUT-KEY TO FIELD-KEY
               MOVE SPACES TO PUT-KEY
               STRING "item." FUNCTION TRIM(ITEM-SHOWN) "."
                   FIELD-KEY DELIMITED BY SIZE INTO PUT-KEY
               END-STRING
               PERFORM PUT-TEXT
           END-IF
           MOVE SPACES TO PUT-KEY.

       PUT-STATUS.
           CALL "wx_status_text" USING BY VALUE STATUS-CODE
               RETURNING TEXT-ADDRESS
           END-CALL
           SET ADDRESS OF C-TEXT TO TEXT-ADDRESS
           MOVE SPACES TO STATUS-NAME, PUT-VALUE
           UNSTRING C-TEXT(1:64) DELIMITED BY ":" OR X"00"
               INTO STATUS-NAME
           END-UNSTRING
           MOVE "status" TO PUT-KEY
           MOVE STATUS-NAME TO PUT-VALUE
           PERFORM PUT-TEXT.

       PUT-NUMBER.
           MOVE FUNCTION TRIM(NUMBER-SHOWN) TO PUT-VALUE
           PERFORM PUT-TEXT.

       PUT-C-TEXT.
           SET ADDRESS OF C-TEXT TO TEXT-ADDRESS
           PERFORM VARYING PUT-LEN FROM 0 BY 1
                   UNTIL C-TEXT(PUT-LEN + 1:1) = X"00"
               MOVE C-TEXT(PUT-LEN + 1:1) TO PUT-VALUE(PUT-LEN + 1:1)
           END-PERFORM
           PERFORM PUT-FIELD.

       PUT-TEXT.
           MOVE 0 TO PUT-LEN
           IF PUT-VALUE NOT = SPACES
               MOVE FUNCTION LENGTH(FUNCTION TRIM(PUT-VALUE TRAILING))
                   TO PUT-LEN
           END-IF
           PERFORM PUT-FIELD.

       PUT-FIELD.
           IF REPLY-AT > 1
               STRING X"09" DELIMITED BY SIZE INTO REPLY
                   WITH POINTER REPLY-AT
               END-STRING
           END-IF
           STRING FUNCTION TRIM(PUT-KEY) "=" DELIMITED BY SIZE
               INTO REPLY WITH POINTER REPLY-AT
           END-STRING
           PERFORM VARYING FIELD-AT FROM 1 BY 1
                   UNTIL FIELD-AT > PUT-LEN
               MOVE PUT-VALUE(FIELD-AT:1) TO BYTE
               IF BYTE < " " OR BYTE > "~" OR BYTE = "%"
                   COMPUTE BYTE-CODE = FUNCTION ORD(BYTE) - 1
                   DIVIDE BYTE-CODE BY 16 GIVING HIGH-DIGIT
                       REMAINDER LOW-DIGIT
                   STRING "%" HEX-DIGITS(HIGH-DIGIT + 1:1)
                       HEX-DIGITS(LOW-DIGIT + 1:1) DELIMITED BY SIZE
                       INTO REPLY WITH POINTER REPLY-AT
                   END-STRING
               ELSE
                   MOVE BYTE TO REPLY(REPLY-AT:1)
                   ADD 1 TO REPLY-AT
               END-IF
           END-PERFORM.

       END PROGRAM CONFORM.

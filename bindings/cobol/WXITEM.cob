      *----------------------------------------------------------------*
      * WXITEM: reads the next item of the list that WXCALL got.       *
      *                                                                *
      *     CALL "WXITEM" USING WX-CALL WX-RESULT WX-ITEM              *
      *     PERFORM UNTIL WX-NO-MORE-ITEMS                             *
      *         ...                                                    *
      *         CALL "WXITEM" USING WX-CALL WX-RESULT WX-ITEM          *
      *     END-PERFORM                                                *
      *----------------------------------------------------------------*
       IDENTIFICATION DIVISION.
       PROGRAM-ID. WXITEM.

       DATA DIVISION.
       WORKING-STORAGE SECTION.
       01  RESULT-LINE                   PIC X(4200).
       01  LINE-AT                       BINARY-LONG UNSIGNED.
       01  LINE-START                    BINARY-DOUBLE UNSIGNED.
       01  LINE-END                      PIC X VALUE X"0A".
       01  IN-ITEM                       PIC X.
           88  LINE-IS-OF-ITEM           VALUE "Y" FALSE "N".

      *    A line is named by its JSON pointer, such as
      *    /wxopens/items/0/func_infos/1/id.
       01  LINE-NAME                     PIC X(256).
       01  NAME-PARTS.
           05  NAME-ROOT                 PIC X(8).
           05  NAME-ARRAY                PIC X(8).
           05  NAME-ITEM                 PIC X(10).
           05  NAME-FIELD                PIC X(64).
           05  NAME-FUNC                 PIC X(10).
           05  NAME-FUNC-FIELD           PIC X(64).
       01  FUNC                          BINARY-LONG UNSIGNED.

       LINKAGE SECTION.
       COPY WXLINK REPLACING ==X(262144)== BY ==X ANY LENGTH==.

       PROCEDURE DIVISION USING WX-CALL WX-RESULT WX-ITEM.
       MAIN-PARAGRAPH.
           MOVE SPACES TO WX-ITEM
           PERFORM READ-LINE
           IF NAME-ARRAY NOT = "items"
               SET WX-NO-MORE-ITEMS TO TRUE
           ELSE
               PERFORM UNTIL NOT LINE-IS-OF-ITEM
                   PERFORM TAKE-FIELD
                   PERFORM READ-LINE
               END-PERFORM
      *        The last line read belongs to the next item.
               MOVE LINE-START TO WX-RESULT-AT
               ADD 1 TO WX-ITEM-INDEX
           END-IF
           GOBACK.

       READ-LINE.
           MOVE SPACES TO LINE-NAME, NAME-PARTS
           MOVE WX-RESULT-AT TO LINE-START
           IF WX-RESULT-AT <= WX-RESULT-LEN
               UNSTRING WX-RESULT(1:WX-RESULT-LEN)
                   DELIMITED BY LINE-END
                   INTO RESULT-LINE WITH POINTER WX-RESULT-AT
               END-UNSTRING
               MOVE 1 TO LINE-AT
               UNSTRING RESULT-LINE DELIMITED BY "="
                   INTO LINE-NAME WITH POINTER LINE-AT
               END-UNSTRING
           END-IF
           IF LINE-NAME(1:15) = "/wxopens/items/"
               UNSTRING LINE-NAME(2:) DELIMITED BY "/" OR ALL SPACES
                   INTO NAME-ROOT NAME-ARRAY NAME-ITEM NAME-FIELD
                       NAME-FUNC NAME-FUNC-FIELD
               END-UNSTRING
           END-IF
           SET LINE-IS-OF-ITEM TO FALSE
           IF NAME-ARRAY = "items"
                   AND FUNCTION NUMVAL(NAME-ITEM) = WX-ITEM-INDEX
               SET LINE-IS-OF-ITEM TO TRUE
           END-IF.

       TAKE-FIELD.
           IF NAME-FUNC NOT = SPACES
               PERFORM TAKE-FUNC
           ELSE
               EVALUATE NAME-FIELD
                   WHEN "status"
                       MOVE RESULT-LINE(LINE-AT:) TO WX-ITEM-STATUS
                   WHEN "username"
                       MOVE RESULT-LINE(LINE-AT:) TO WX-ITEM-USERNAME
                   WHEN "appid"
                       MOVE RESULT-LINE(LINE-AT:) TO WX-ITEM-APPID
                   WHEN "source"
                       MOVE RESULT-LINE(LINE-AT:) TO WX-ITEM-SOURCE
                   WHEN "nickname"
                       MOVE RESULT-LINE(LINE-AT:) TO WX-ITEM-NICKNAME
                   WHEN "selected"
                       MOVE RESULT-LINE(LINE-AT:) TO WX-ITEM-SELECTED
                   WHEN "nearby_display_status"
                       MOVE RESULT-LINE(LINE-AT:) TO WX-ITEM-NEARBY
                   WHEN "released"
                       MOVE RESULT-LINE(LINE-AT:) TO WX-ITEM-RELEASED
                   WHEN "headimg_url"
                       MOVE RESULT-LINE(LINE-AT:)
                           TO WX-ITEM-HEADIMG-URL
                   WHEN "copy_verify_status"
                       MOVE RESULT-LINE(LINE-AT:)
                           TO WX-ITEM-COPY-VERIFY
                   WHEN "email"
                       MOVE RESULT-LINE(LINE-AT:) TO WX-ITEM-EMAIL
               END-EVALUATE
           END-IF.

      *    The three spellings that WeChat's documentation has printed.
       TAKE-FUNC.
           IF NAME-FIELD = "func_infos" OR "func_info" OR "func_News"
               COMPUTE FUNC = FUNCTION NUMVAL(NAME-FUNC) + 1
               IF FUNC <= 10
                   EVALUATE NAME-FUNC-FIELD
                       WHEN "id"
                           MOVE RESULT-LINE(LINE-AT:)
                               TO WX-ITEM-FUNC-ID(FUNC)
                       WHEN "status"
                           MOVE RESULT-LINE(LINE-AT:)
                               TO WX-ITEM-FUNC-STATUS(FUNC)
                       WHEN "name"
                           MOVE RESULT-LINE(LINE-AT:)
                               TO WX-ITEM-FUNC-NAME(FUNC)
                   END-EVALUATE
               END-IF
           END-IF.

       END PROGRAM WXITEM.

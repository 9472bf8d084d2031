      *----------------------------------------------------------------*
      * WXITEM: reads the next item of the list that WXCALL got.       *
      *                                                                *
      *     CALL "WXITEM" USING WX-CALL WX-RESULT WX-ITEM              *
      *     PERFORM UNTIL WX-NO-MORE-ITEMS                             *
      *         ...                                                    *
      *         CALL "WXITEM" USING WX-CALL WX-RESULT WX-ITEM          *
      *     END-PERFORM                                                *
      *                                                                *
      * If 16 other lists were read since, the list is gone: WX-STATUS *
      * becomes WX-E-NOT-FOUND.                                        *
      *----------------------------------------------------------------*
       IDENTIFICATION DIVISION.
       PROGRAM-ID. WXITEM.

       DATA DIVISION.
       WORKING-STORAGE SECTION.
       COPY WXLISTS.
       01  THE-LIST                      USAGE POINTER.
       01  LIST-LENGTH                   BINARY-LONG UNSIGNED.
       01  ITEM-INDEX                    BINARY-DOUBLE UNSIGNED.
       01  FIELD                         PIC X(64).
       01  TEXT-ADDRESS                  USAGE POINTER.
       01  TEXT-LEN                      BINARY-LONG UNSIGNED.
       01  FIELD-LEN                     BINARY-LONG UNSIGNED.
      *    Longer than each field of an item.
       01  TEXT-VALUE                    PIC X(513).
       01  SHOWN-FUNC                    PIC 9.
       01  I                             BINARY-LONG UNSIGNED.

       LINKAGE SECTION.
       COPY WXLINK REPLACING ==X(262144)== BY ==X ANY LENGTH==.
       01  C-TEXT                        PIC X(268435456).

       PROCEDURE DIVISION USING WX-CALL WX-RESULT WX-ITEM.
       MAIN-PARAGRAPH.
           INITIALIZE WX-ITEM
           PERFORM FIND-LIST
           MOVE 0 TO LIST-LENGTH
           IF THE-LIST NOT = NULL
               CALL "wx_list_length" USING BY VALUE THE-LIST
                   RETURNING LIST-LENGTH
               END-CALL
           END-IF
           IF WX-ITEM-INDEX >= LIST-LENGTH
               SET WX-NO-MORE-ITEMS TO TRUE
           ELSE
               MOVE WX-ITEM-INDEX TO ITEM-INDEX
               PERFORM READ-ITEM
               ADD 1 TO WX-ITEM-INDEX
           END-IF
           GOBACK.

       FIND-LIST.
           SET THE-LIST TO NULL
           IF WX-OK AND WX-LIST-NUMBER NOT = 0
               PERFORM VARYING I FROM 1 BY 1 UNTIL I > 16
                   IF LIST-NUMBER(I) = WX-LIST-NUMBER
                       SET THE-LIST TO LIST-RESULT(I)
                   END-IF
               END-PERFORM
               IF THE-LIST = NULL
                   SET WX-E-NOT-FOUND TO TRUE
               END-IF
           END-IF.

       READ-ITEM.
           MOVE Z"status" TO FIELD
           PERFORM READ-TEXT
           IF TEXT-LEN <= LENGTH OF WX-ITEM-STATUS
               MOVE TEXT-VALUE TO WX-ITEM-STATUS
           END-IF
           MOVE Z"username" TO FIELD
           PERFORM READ-TEXT
           IF TEXT-LEN <= LENGTH OF WX-ITEM-USERNAME
               MOVE TEXT-VALUE TO WX-ITEM-USERNAME
           END-IF
           MOVE Z"appid" TO FIELD
           PERFORM READ-TEXT
           IF TEXT-LEN <= LENGTH OF WX-ITEM-APPID
               MOVE TEXT-VALUE TO WX-ITEM-APPID
           END-IF
           MOVE Z"source" TO FIELD
           PERFORM READ-TEXT
           IF TEXT-LEN <= LENGTH OF WX-ITEM-SOURCE
               MOVE TEXT-VALUE TO WX-ITEM-SOURCE
           END-IF
           MOVE Z"nickname" TO FIELD
           PERFORM READ-TEXT
           MOVE LENGTH OF WX-ITEM-NICKNAME TO FIELD-LEN
           PERFORM CUT-TEXT
           MOVE TEXT-VALUE TO WX-ITEM-NICKNAME
           MOVE Z"selected" TO FIELD
           PERFORM READ-TEXT
           IF TEXT-LEN <= LENGTH OF WX-ITEM-SELECTED
               MOVE TEXT-VALUE TO WX-ITEM-SELECTED
           END-IF
           MOVE Z"nearby_display_status" TO FIELD
           PERFORM READ-TEXT
           IF TEXT-LEN <= LENGTH OF WX-ITEM-NEARBY
               MOVE TEXT-VALUE TO WX-ITEM-NEARBY
           END-IF
           MOVE Z"released" TO FIELD
           PERFORM READ-TEXT
           IF TEXT-LEN <= LENGTH OF WX-ITEM-RELEASED
               MOVE TEXT-VALUE TO WX-ITEM-RELEASED
           END-IF
           MOVE Z"headimg_url" TO FIELD
           PERFORM READ-TEXT
           IF TEXT-LEN <= LENGTH OF WX-ITEM-HEADIMG-URL
               MOVE TEXT-VALUE TO WX-ITEM-HEADIMG-URL
           END-IF
           MOVE Z"copy_verify_status" TO FIELD
           PERFORM READ-TEXT
           IF TEXT-LEN <= LENGTH OF WX-ITEM-COPY-VERIFY
               MOVE TEXT-VALUE TO WX-ITEM-COPY-VERIFY
           END-IF
           MOVE Z"email" TO FIELD
           PERFORM READ-TEXT
           IF TEXT-LEN <= LENGTH OF WX-ITEM-EMAIL
               MOVE TEXT-VALUE TO WX-ITEM-EMAIL
           END-IF
           MOVE Z"func_infos" TO FIELD
           CALL "wx_list_size" USING
               BY VALUE THE-LIST ITEM-INDEX BY REFERENCE FIELD
               RETURNING I
           END-CALL
           COMPUTE WX-ITEM-FUNC-COUNT = FUNCTION MIN(I 10)
           PERFORM VARYING I FROM 1 BY 1 UNTIL I > WX-ITEM-FUNC-COUNT
               PERFORM READ-FUNC
           END-PERFORM.

       READ-FUNC.
           COMPUTE SHOWN-FUNC = I - 1
           STRING "func_infos/" SHOWN-FUNC Z"/id" DELIMITED BY SIZE
               INTO FIELD
           END-STRING
           PERFORM READ-TEXT
           IF TEXT-LEN <= LENGTH OF WX-ITEM-FUNC-ID(I)
               MOVE TEXT-VALUE TO WX-ITEM-FUNC-ID(I)
           END-IF
           STRING "func_infos/" SHOWN-FUNC Z"/status" DELIMITED BY SIZE
               INTO FIELD
           END-STRING
           PERFORM READ-TEXT
           IF TEXT-LEN <= LENGTH OF WX-ITEM-FUNC-STATUS(I)
               MOVE TEXT-VALUE TO WX-ITEM-FUNC-STATUS(I)
           END-IF
           STRING "func_infos/" SHOWN-FUNC Z"/name" DELIMITED BY SIZE
               INTO FIELD
           END-STRING
           PERFORM READ-TEXT
           MOVE LENGTH OF WX-ITEM-FUNC-NAME(I) TO FIELD-LEN
           PERFORM CUT-TEXT
           MOVE TEXT-VALUE TO WX-ITEM-FUNC-NAME(I).

       READ-TEXT.
           CALL "wx_list_text" USING
               BY VALUE THE-LIST ITEM-INDEX BY REFERENCE FIELD
               RETURNING TEXT-ADDRESS
           END-CALL
           SET ADDRESS OF C-TEXT TO TEXT-ADDRESS
           PERFORM VARYING TEXT-LEN FROM 0 BY 1
                   UNTIL C-TEXT(TEXT-LEN + 1:1) = X"00"
               CONTINUE
           END-PERFORM
           MOVE SPACES TO TEXT-VALUE
           IF TEXT-LEN > 0
               MOVE C-TEXT(1:TEXT-LEN) TO TEXT-VALUE
           END-IF.

      *    Cuts a name that is too long between two characters.
       CUT-TEXT.
           IF TEXT-LEN > FIELD-LEN
               PERFORM UNTIL TEXT-VALUE(FIELD-LEN + 1:1) < X"80"
                       OR TEXT-VALUE(FIELD-LEN + 1:1) > X"BF"
                   SUBTRACT 1 FROM FIELD-LEN
               END-PERFORM
               MOVE SPACES TO TEXT-VALUE(FIELD-LEN + 1:)
           END-IF.

       END PROGRAM WXITEM.

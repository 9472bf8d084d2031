      *----------------------------------------------------------------*
      * Tests what the samples do not use: ensure, wait, other options,*
      * and every field of a result.                                   *
      *----------------------------------------------------------------*
       IDENTIFICATION DIVISION.
       PROGRAM-ID. VERBS.

       DATA DIVISION.
       WORKING-STORAGE SECTION.
       COPY WXLINK.
       01  I                             PIC 99.

       PROCEDURE DIVISION.
       MAIN-PARAGRAPH.
           INITIALIZE WX-CALL
           ACCEPT WX-ACCESS-TOKEN FROM ENVIRONMENT "WXLINK_ACCESS_TOKEN"
           MOVE "base_url" TO WX-OPTION-KEY(1)
           ACCEPT WX-OPTION-VALUE(1) FROM ENVIRONMENT "WXLINK_BASE_URL"
           MOVE "timeout_ms" TO WX-OPTION-KEY(5)
           MOVE "5000" TO WX-OPTION-VALUE(5)

           MOVE "wx0b00000000000003" TO WX-APPID
           MOVE "0" TO WX-NOTIFY-USERS
           MOVE "1" TO WX-SHOW-PROFILE
           MOVE 1 TO WX-WAIT-MS
           SET WX-OP-ENSURE TO TRUE
           PERFORM PRINT-PROGRESS
           SET WX-OP-WAIT TO TRUE
           PERFORM PRINT-PROGRESS

           MOVE "wx0b000000000000e3" TO WX-APPID
           SET WX-OP-LINK TO TRUE
           CALL "WXCALL" USING WX-CALL WX-RESULT
           DISPLAY "link: " WX-STATUS " " WX-ERRCODE " " WX-CLASS
               WX-DELIVERY " " WX-HTTP-STATUS
           IF WX-RID = SPACES OR WX-STATE NOT = SPACES
               DISPLAY "link: the rid is missing, or there is a state"
           END-IF

           MOVE "lang" TO WX-OPTION-KEY(12)
           MOVE "zh" TO WX-OPTION-VALUE(12)
           CALL "WXCALL" USING WX-CALL WX-RESULT
           DISPLAY WX-MESSAGE(19:18)

           MOVE ALL "x" TO WX-OPTION-VALUE(12)
           CALL "WXCALL" USING WX-CALL WX-RESULT
           DISPLAY "long: " WX-STATUS " " WX-MESSAGE(1:WX-MESSAGE-LEN)
           MOVE "nonsense" TO WX-OPTION-KEY(12)
           MOVE "1" TO WX-OPTION-VALUE(12)
           CALL "WXCALL" USING WX-CALL WX-RESULT
           DISPLAY "nonsense: " WX-STATUS
           MOVE SPACES TO WX-OPTION-KEY(12)

           MOVE "nonsense" TO WX-OP
           CALL "WXCALL" USING WX-CALL WX-RESULT
           DISPLAY "no such op: " WX-STATUS

           MOVE "SANDBOX-TOKEN-3" TO WX-ACCESS-TOKEN
           SET WX-OP-LIST TO TRUE
           CALL "WXCALL" USING WX-CALL WX-RESULT
           CALL "WXITEM" USING WX-CALL WX-RESULT WX-ITEM
           PERFORM PRINT-ITEM
           STOP RUN RETURNING 0.

       PRINT-PROGRESS.
           CALL "WXCALL" USING WX-CALL WX-RESULT
           DISPLAY FUNCTION TRIM(WX-OP) ": " WX-STATUS " " WX-CLASS
               WX-STATE WX-WAITS-FOR " " WX-POSTS.

       PRINT-ITEM.
           DISPLAY FUNCTION TRIM(WX-ITEM-STATUS) "|"
               FUNCTION TRIM(WX-ITEM-USERNAME) "|"
               FUNCTION TRIM(WX-ITEM-APPID) "|"
               FUNCTION TRIM(WX-ITEM-SOURCE) "|"
               FUNCTION TRIM(WX-ITEM-NICKNAME) "|"
               FUNCTION TRIM(WX-ITEM-SELECTED) "|"
               FUNCTION TRIM(WX-ITEM-NEARBY) "|"
               FUNCTION TRIM(WX-ITEM-RELEASED) "|"
               FUNCTION TRIM(WX-ITEM-HEADIMG-URL) "|"
               FUNCTION TRIM(WX-ITEM-COPY-VERIFY) "|"
               FUNCTION TRIM(WX-ITEM-EMAIL)
           PERFORM VARYING I FROM 1 BY 1
                   UNTIL I > WX-ITEM-FUNC-COUNT
               DISPLAY "  " WX-ITEM-FUNC-ID(I)(1:2)
                   WX-ITEM-FUNC-STATUS(I)(1:2)
                   FUNCTION TRIM(WX-ITEM-FUNC-NAME(I))
           END-PERFORM.

       END PROGRAM VERBS.

      *----------------------------------------------------------------*
      * Tests a result that is too small, for a list and for a link.   *
      *----------------------------------------------------------------*
       IDENTIFICATION DIVISION.
       PROGRAM-ID. SMALL.

       DATA DIVISION.
       WORKING-STORAGE SECTION.
       COPY WXLINK REPLACING ==X(262144)== BY ==X(400)==.

       PROCEDURE DIVISION.
       MAIN-PARAGRAPH.
           INITIALIZE WX-CALL
           ACCEPT WX-ACCESS-TOKEN FROM ENVIRONMENT "WXLINK_TOKEN"
           MOVE "base_url" TO WX-OPTION-KEY(1)
           ACCEPT WX-OPTION-VALUE(1) FROM ENVIRONMENT "WXLINK_BASE_URL"

           SET WX-OP-LIST TO TRUE
           CALL "WXCALL" USING WX-CALL WX-RESULT
           PERFORM CHECK-REFUSAL
           CALL "WXITEM" USING WX-CALL WX-RESULT WX-ITEM
           IF NOT WX-NO-MORE-ITEMS
               DISPLAY "there is an item"
           END-IF

           SET WX-OP-LINK TO TRUE
           MOVE "wx0b00000000000002" TO WX-APPID
           MOVE "0" TO WX-NOTIFY-USERS
           MOVE "1" TO WX-SHOW-PROFILE
           CALL "WXCALL" USING WX-CALL WX-RESULT
           PERFORM CHECK-REFUSAL
           IF WX-RESULT-LEN NOT = 512
               DISPLAY "not the length that a link needs"
           END-IF
           STOP RUN RETURNING 0.

       CHECK-REFUSAL.
           IF WX-E-BUFFER AND WX-ERRCODE = -5
                   AND WX-DELIVERY-NEVER-SENT
                   AND WX-RESULT-LEN > 400
               DISPLAY WX-MESSAGE(1:22)
           ELSE
               DISPLAY "status " WX-STATUS
           END-IF.

       END PROGRAM SMALL.

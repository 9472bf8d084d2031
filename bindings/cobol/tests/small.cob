      *----------------------------------------------------------------*
      * Tests a list that is longer than WX-RESULT, and values that are*
      * longer than their fields. The simulator answers with a list of *
      * 500 items.                                                     *
      *----------------------------------------------------------------*
       IDENTIFICATION DIVISION.
       PROGRAM-ID. SMALL.

       DATA DIVISION.
       WORKING-STORAGE SECTION.
       COPY WXLINK REPLACING ==X(262144)== BY ==X(16)==.
       01  OLD-CALL                      PIC X(96000).
       01  I                             BINARY-LONG UNSIGNED.

       PROCEDURE DIVISION.
       MAIN-PARAGRAPH.
           INITIALIZE WX-CALL
           ACCEPT WX-ACCESS-TOKEN FROM ENVIRONMENT "WXLINK_ACCESS_TOKEN"
           MOVE "base_url" TO WX-OPTION-KEY(1)
           ACCEPT WX-OPTION-VALUE(1) FROM ENVIRONMENT "WXLINK_BASE_URL"

           SET WX-OP-LIST TO TRUE
           CALL "WXCALL" USING WX-CALL WX-RESULT
           IF WX-RESULT-LEN <= 16
               DISPLAY "the length is that of the record"
           END-IF
           DISPLAY WX-RESULT
           CALL "WXITEM" USING WX-CALL WX-RESULT WX-ITEM
           DISPLAY FUNCTION LENGTH(FUNCTION TRIM(WX-ITEM-NICKNAME))
           IF WX-ITEM-APPID NOT = SPACES
               DISPLAY "the appid is cut"
           END-IF
           DISPLAY WX-ITEM-STATUS
           PERFORM UNTIL WX-NO-MORE-ITEMS
               CALL "WXITEM" USING WX-CALL WX-RESULT WX-ITEM
           END-PERFORM
           DISPLAY WX-ITEM-INDEX

      *    A copy of the record reads the same list, until 16 others
      *    have been read.
           MOVE 0 TO WX-ITEM-INDEX
           MOVE WX-CALL TO OLD-CALL
           MOVE 0 TO WX-LIST-NUMBER
           PERFORM VARYING I FROM 1 BY 1 UNTIL I > 16
               CALL "WXCALL" USING WX-CALL WX-RESULT
               MOVE 0 TO WX-LIST-NUMBER
           END-PERFORM
           MOVE OLD-CALL TO WX-CALL
           CALL "WXITEM" USING WX-CALL WX-RESULT WX-ITEM
           IF NOT WX-NO-MORE-ITEMS OR NOT WX-E-NOT-FOUND
               DISPLAY "the list is still there"
           END-IF
           STOP RUN RETURNING 0.

       END PROGRAM SMALL.

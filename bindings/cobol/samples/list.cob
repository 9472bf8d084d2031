      *----------------------------------------------------------------*
      * Lists the mini programs linked to an Official Account, and     *
      * those on their way.                                            *
      *                                                                *
      *     WXLINK_ACCESS_TOKEN=... list                               *
      *                                                                *
      * Ends with 0, 1 if the list could not be read, 2 after wrong    *
      * arguments or options.                                          *
      *----------------------------------------------------------------*
       IDENTIFICATION DIVISION.
       PROGRAM-ID. LISTS.

       DATA DIVISION.
       WORKING-STORAGE SECTION.
       COPY WXLINK.
       01  CALLED                        PIC X VALUE "Y".
           88  WRONGLY-CALLED            VALUE "N".
       01  STATUS-TEXT                   PIC X(48).
       01  TABLE-LINE                    PIC X(512).
       01  LINE-AT                       PIC 9(4) COMP-5.
       01  COLUMN-WIDTH                  PIC 9(4) COMP-5.
       01  COLUMN-TEXT                   PIC X(256).
       01  COLUMN-LEN                    PIC 9(4) COMP-5.

       PROCEDURE DIVISION.
       MAIN-PARAGRAPH.
           INITIALIZE WX-CALL
           PERFORM READ-ENVIRONMENT
           IF WRONGLY-CALLED
               DISPLAY "usage: WXLINK_ACCESS_TOKEN=... list" UPON SYSERR
               STOP RUN RETURNING 2
           END-IF

           SET WX-OP-LIST TO TRUE
           CALL "WXCALL" USING WX-CALL WX-RESULT
           EVALUATE TRUE
               WHEN WX-OK
                   PERFORM PRINT-TABLE
                   MOVE 0 TO RETURN-CODE
               WHEN WX-E-BAD-OPTION
                   DISPLAY WX-MESSAGE(1:WX-MESSAGE-LEN) UPON SYSERR
                   MOVE 2 TO RETURN-CODE
               WHEN OTHER
                   DISPLAY WX-MESSAGE(1:WX-MESSAGE-LEN) UPON SYSERR
                   MOVE 1 TO RETURN-CODE
           END-EVALUATE
           STOP RUN.

       READ-ENVIRONMENT.
      *    From the environment: every user of the machine can see
      *    arguments.
           ACCEPT WX-ACCESS-TOKEN FROM ENVIRONMENT "WXLINK_ACCESS_TOKEN"
               ON EXCEPTION SET WRONGLY-CALLED TO TRUE
           END-ACCEPT
      *    Replaces WeChat's address, for example by the sandbox's.
           MOVE "base_url" TO WX-OPTION-KEY(1)
           ACCEPT WX-OPTION-VALUE(1) FROM ENVIRONMENT "WXLINK_BASE_URL"
               ON EXCEPTION MOVE SPACES TO WX-OPTION-KEY(1)
           END-ACCEPT.

       PRINT-TABLE.
           MOVE SPACES TO WX-ITEM
           MOVE "APPID" TO WX-ITEM-APPID
           MOVE "ORIGINAL ID" TO WX-ITEM-USERNAME
           MOVE "NAME" TO WX-ITEM-NICKNAME
           MOVE "STATUS" TO STATUS-TEXT
           PERFORM PRINT-LINE
           CALL "WXITEM" USING WX-CALL WX-RESULT WX-ITEM
           IF WX-NO-MORE-ITEMS
               DISPLAY "  (none)"
           END-IF
           PERFORM UNTIL WX-NO-MORE-ITEMS
               PERFORM SET-STATUS-TEXT
               PERFORM PRINT-LINE
               CALL "WXITEM" USING WX-CALL WX-RESULT WX-ITEM
           END-PERFORM.

       SET-STATUS-TEXT.
           MOVE SPACES TO STATUS-TEXT
           EVALUATE TRUE
               WHEN WX-ITEM-LINKED
                   MOVE "linked" TO STATUS-TEXT
               WHEN WX-ITEM-WAITS-PROGRAM
                   MOVE "waiting for the mini program's administrator"
                       TO STATUS-TEXT
               WHEN WX-ITEM-REFUSED
                   MOVE "refused by the mini program's administrator"
                       TO STATUS-TEXT
               WHEN WX-ITEM-WAITS-ACCOUNT
                   STRING "waiting for the Official Account's "
                          "administrator" DELIMITED BY SIZE
                       INTO STATUS-TEXT
                   END-STRING
               WHEN OTHER
                   MOVE WX-ITEM-STATUS TO STATUS-TEXT
           END-EVALUATE.

       PRINT-LINE.
           MOVE SPACES TO TABLE-LINE
           MOVE 1 TO LINE-AT
           MOVE 18 TO COLUMN-WIDTH
           MOVE WX-ITEM-APPID TO COLUMN-TEXT
           PERFORM PUT-COLUMN
           MOVE WX-ITEM-USERNAME TO COLUMN-TEXT
           PERFORM PUT-COLUMN
           MOVE 48 TO COLUMN-WIDTH
           MOVE STATUS-TEXT TO COLUMN-TEXT
           PERFORM PUT-COLUMN
           MOVE 0 TO COLUMN-WIDTH
           MOVE WX-ITEM-NICKNAME TO COLUMN-TEXT
           PERFORM PUT-COLUMN
           DISPLAY TABLE-LINE(1:LINE-AT - 1).

      *    Adds two spaces and a column, which is never truncated. A
      *    missing text is a hyphen.
       PUT-COLUMN.
           IF COLUMN-TEXT = SPACES
               MOVE "-" TO COLUMN-TEXT
           END-IF
           MOVE FUNCTION LENGTH(FUNCTION TRIM(COLUMN-TEXT TRAILING))
               TO COLUMN-LEN
           ADD 2 TO LINE-AT
           MOVE COLUMN-TEXT(1:COLUMN-LEN)
               TO TABLE-LINE(LINE-AT:COLUMN-LEN)
           ADD FUNCTION MAX(COLUMN-LEN COLUMN-WIDTH) TO LINE-AT.

       END PROGRAM LISTS.

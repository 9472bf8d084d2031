      *----------------------------------------------------------------*
      * WXBATCH: carries out a file of orders to link, unlink and list.*
      *                                                                *
      *     WXLINK_ACCESS_TOKEN=... WXBATCH ORDERS-FILE                *
      *                                                                *
      * Each record is one order; spaces separate its words:           *
      *     LINK APPID NOTIFY_USERS SHOW_PROFILE      (each 0 or 1)    *
      *     UNLINK APPID                                               *
      *     LIST                                                       *
      * Empty records, and those that start with *, are skipped.       *
      *                                                                *
      * The whole file is checked before anything is sent. Then a line *
      * is printed for every order, with its outcome:                  *
      *     DONE      now, or before                                   *
      *     WAITING   for an administrator                             *
      *     REFUSED   by WeChat; the line has the remedy               *
      *     FAILED    nothing was done; the order may be run again     *
      *     UNKNOWN   it may have been done; read the list first       *
      *     BAD       the order is invalid                             *
      *                                                                *
      * RETURN-CODE  0 all done              8 some failed or unknown  *
      *              4 some waiting, refused 12 bad input              *
      *----------------------------------------------------------------*
       IDENTIFICATION DIVISION.
       PROGRAM-ID. WXBATCH.

       ENVIRONMENT DIVISION.
       INPUT-OUTPUT SECTION.
       FILE-CONTROL.
           SELECT ORDERS ASSIGN TO DYNAMIC ORDERS-NAME
               ORGANIZATION IS LINE SEQUENTIAL
               FILE STATUS IS ORDERS-STATUS.

       DATA DIVISION.
       FILE SECTION.
       FD  ORDERS.
       01  ORDERS-RECORD                 PIC X(1024).

       WORKING-STORAGE SECTION.
       COPY WXLINK.

       01  ORDERS-NAME                   PIC X(1024).
       01  ORDERS-STATUS                 PIC XX.
           88  ORDERS-OK                 VALUE "00".
           88  ORDERS-AT-END             VALUE "10".
       01  RECORD-NUMBER                 PIC 9(6).

       01  ORDER-WORDS.
           05  ORDER-VERB                PIC X(8).
               88  ORDER-IS-LINK         VALUE "LINK".
               88  ORDER-IS-UNLINK       VALUE "UNLINK".
               88  ORDER-IS-LIST         VALUE "LIST".
           05  ORDER-APPID               PIC X(257).
           05  ORDER-NOTIFY              PIC X(8).
               88  NOTIFY-IS-A-FLAG      VALUES "0" "1".
           05  ORDER-SHOW                PIC X(8).
               88  SHOW-IS-A-FLAG        VALUES "0" "1".
           05  ORDER-REST                PIC X(8).

       01  OUTCOME                       PIC 9.
           88  ORDER-DONE                VALUE 1.
           88  ORDER-WAITING             VALUE 2.
           88  ORDER-REFUSED             VALUE 3.
           88  ORDER-FAILED              VALUE 4.
           88  ORDER-UNKNOWN             VALUE 5.
           88  ORDER-BAD                 VALUE 6.
       01  OUTCOME-NAMES.
           05  FILLER                    PIC X(8) VALUE "DONE".
           05  FILLER                    PIC X(8) VALUE "WAITING".
           05  FILLER                    PIC X(8) VALUE "REFUSED".
           05  FILLER                    PIC X(8) VALUE "FAILED".
           05  FILLER                    PIC X(8) VALUE "UNKNOWN".
           05  FILLER                    PIC X(8) VALUE "BAD".
       01  FILLER REDEFINES OUTCOME-NAMES.
           05  OUTCOME-NAME              PIC X(8) OCCURS 6.
       01  OUTCOME-COUNTS.
           05  OUTCOME-COUNT             PIC 9(6) OCCURS 6 VALUE 0.
       01  ORDER-COUNT                   PIC 9(6) VALUE 0.
       01  SHOWN-COUNT                   PIC Z(5)9.
       01  TOKEN-STATE                   PIC X VALUE "Y".
           88  TOKEN-REFUSED             VALUE "N".

       01  ITEM-COUNTS.
           05  ITEM-COUNT                PIC 9(6).
           05  LINKED-COUNT              PIC 9(6).
           05  WAITING-COUNT             PIC 9(6).
           05  REFUSED-COUNT             PIC 9(6).

       01  REPORT-LINE.
           05  REPORT-RECORD             PIC Z(5)9.
           05  FILLER                    PIC XX VALUE SPACES.
           05  REPORT-VERB               PIC X(8).
           05  REPORT-APPID              PIC X(18).
           05  FILLER                    PIC XX VALUE SPACES.
           05  REPORT-OUTCOME            PIC X(9).
           05  REPORT-TEXT               PIC X(4096).
       01  TEXT-AT                       PIC 9(4) COMP-5.

       PROCEDURE DIVISION.
       MAIN-PARAGRAPH.
           INITIALIZE WX-CALL
           PERFORM READ-ENVIRONMENT
           PERFORM CHECK-ORDERS
           IF OUTCOME-COUNT(6) = 0
               PERFORM RUN-ORDERS
           ELSE
               DISPLAY "Nothing was sent: the orders must be corrected."
           END-IF
           PERFORM PRINT-SUMMARY
           EVALUATE TRUE
               WHEN OUTCOME-COUNT(6) > 0
                   MOVE 12 TO RETURN-CODE
               WHEN OUTCOME-COUNT(4) > 0 OR OUTCOME-COUNT(5) > 0
                   MOVE 8 TO RETURN-CODE
               WHEN OUTCOME-COUNT(2) > 0 OR OUTCOME-COUNT(3) > 0
                   MOVE 4 TO RETURN-CODE
               WHEN OTHER
                   MOVE 0 TO RETURN-CODE
           END-EVALUATE
           STOP RUN.

       READ-ENVIRONMENT.
           MOVE SPACES TO ORDERS-NAME
           ACCEPT ORDERS-NAME FROM ARGUMENT-VALUE
               ON EXCEPTION PERFORM PRINT-USAGE
           END-ACCEPT
      *    From the environment: every user of the machine can see
      *    arguments.
           ACCEPT WX-ACCESS-TOKEN FROM ENVIRONMENT "WXLINK_ACCESS_TOKEN"
               ON EXCEPTION PERFORM PRINT-USAGE
           END-ACCEPT
      *    Replaces WeChat's address, for example by the sandbox's.
           MOVE "base_url" TO WX-OPTION-KEY(1)
           ACCEPT WX-OPTION-VALUE(1) FROM ENVIRONMENT "WXLINK_BASE_URL"
               ON EXCEPTION MOVE SPACES TO WX-OPTION-KEY(1)
           END-ACCEPT.

       PRINT-USAGE.
           DISPLAY "usage: WXLINK_ACCESS_TOKEN=... WXBATCH ORDERS-FILE"
               UPON SYSERR
           STOP RUN RETURNING 12.

      *----------------------------------------------------------------*
      * Check the whole file first, so that no file is run by half.    *
      *----------------------------------------------------------------*
       CHECK-ORDERS.
           PERFORM OPEN-ORDERS
           PERFORM READ-ORDER
           PERFORM UNTIL ORDERS-AT-END
               ADD 1 TO ORDER-COUNT
               PERFORM CHECK-ORDER
               PERFORM READ-ORDER
           END-PERFORM
           CLOSE ORDERS.

       CHECK-ORDER.
           MOVE SPACES TO REPORT-TEXT
           EVALUATE TRUE
               WHEN ORDERS-RECORD(LENGTH OF ORDERS-RECORD:1)
                       NOT = SPACE
                   MOVE "the record is too long" TO REPORT-TEXT
               WHEN ORDER-IS-LINK AND (ORDER-APPID = SPACES
                       OR NOT NOTIFY-IS-A-FLAG OR NOT SHOW-IS-A-FLAG
                       OR ORDER-REST NOT = SPACES)
                   MOVE "must be LINK APPID 0|1 0|1" TO REPORT-TEXT
               WHEN ORDER-IS-UNLINK AND (ORDER-APPID = SPACES
                       OR ORDER-NOTIFY NOT = SPACES)
                   MOVE "must be UNLINK APPID" TO REPORT-TEXT
               WHEN ORDER-IS-LIST AND ORDER-APPID NOT = SPACES
                   MOVE "must be LIST alone" TO REPORT-TEXT
               WHEN NOT ORDER-IS-LINK AND NOT ORDER-IS-UNLINK
                       AND NOT ORDER-IS-LIST
                   MOVE "must be LINK, UNLINK or LIST" TO REPORT-TEXT
           END-EVALUATE
           IF REPORT-TEXT NOT = SPACES
               SET ORDER-BAD TO TRUE
               PERFORM PRINT-ORDER
           END-IF.

       OPEN-ORDERS.
           OPEN INPUT ORDERS
           MOVE 0 TO RECORD-NUMBER
           IF NOT ORDERS-OK
               PERFORM GIVE-UP
           END-IF.

       GIVE-UP.
           DISPLAY "WXBATCH: the orders cannot be read, file status "
               ORDERS-STATUS UPON SYSERR
           STOP RUN RETURNING 12.

      *    Reads the next record that has an order.
       READ-ORDER.
           MOVE SPACES TO ORDER-VERB
           PERFORM UNTIL ORDERS-AT-END OR ORDER-VERB NOT = SPACES
               READ ORDERS
                   NOT AT END PERFORM SPLIT-ORDER
               END-READ
               IF NOT ORDERS-OK AND NOT ORDERS-AT-END
                   PERFORM GIVE-UP
               END-IF
           END-PERFORM.

       SPLIT-ORDER.
           ADD 1 TO RECORD-NUMBER
           MOVE SPACES TO ORDER-WORDS
           INSPECT ORDERS-RECORD REPLACING ALL X"09" BY SPACE
                                           ALL X"0D" BY SPACE
           IF ORDERS-RECORD NOT = SPACES AND ORDERS-RECORD(1:1)
                   NOT = "*"
               UNSTRING FUNCTION TRIM(ORDERS-RECORD)
                   DELIMITED BY ALL SPACES
                   INTO ORDER-VERB ORDER-APPID ORDER-NOTIFY ORDER-SHOW
                       ORDER-REST
               END-UNSTRING
           END-IF.

      *----------------------------------------------------------------*
      * Then each order is run.                                        *
      *----------------------------------------------------------------*
       RUN-ORDERS.
           PERFORM OPEN-ORDERS
           PERFORM READ-ORDER
           PERFORM UNTIL ORDERS-AT-END
               PERFORM RUN-ORDER
               PERFORM PRINT-ORDER
               PERFORM READ-ORDER
           END-PERFORM
           CLOSE ORDERS.

       RUN-ORDER.
           IF TOKEN-REFUSED
               SET ORDER-FAILED TO TRUE
               MOVE "not tried: the token was refused" TO REPORT-TEXT
           ELSE
               MOVE FUNCTION LOWER-CASE(ORDER-VERB) TO WX-OP
               MOVE ORDER-APPID TO WX-APPID
               MOVE ORDER-NOTIFY TO WX-NOTIFY-USERS
               MOVE ORDER-SHOW TO WX-SHOW-PROFILE
               CALL "WXCALL" USING WX-CALL WX-RESULT
               MOVE WX-MESSAGE TO REPORT-TEXT
               PERFORM JUDGE-RESULT
           END-IF.

       JUDGE-RESULT.
           EVALUATE TRUE
               WHEN WX-OK
                   SET ORDER-DONE TO TRUE
                   PERFORM DESCRIBE-SUCCESS
               WHEN WX-CLASS-OK
                   SET ORDER-DONE TO TRUE
               WHEN WX-CLASS-PENDING
                   SET ORDER-WAITING TO TRUE
               WHEN WX-CLASS-TOKEN
                   SET ORDER-FAILED TO TRUE
                   SET TOKEN-REFUSED TO TRUE
               WHEN WX-CLASS-ACTION-REQUIRED
                       OR WX-CLASS-INVALID-REQUEST OR WX-CLASS-QUOTA
                   SET ORDER-REFUSED TO TRUE
               WHEN WX-E-BUFFER
                   SET ORDER-FAILED TO TRUE
               WHEN WX-E-ARGUMENT
                   SET ORDER-BAD TO TRUE
      *        A call that sent nothing, or only reads, can be repeated.
               WHEN WX-DELIVERY-NEVER-SENT OR ORDER-IS-LIST
                   SET ORDER-FAILED TO TRUE
               WHEN OTHER
                   SET ORDER-UNKNOWN TO TRUE
           END-EVALUATE.

       DESCRIBE-SUCCESS.
           EVALUATE TRUE
               WHEN ORDER-IS-LINK
                   MOVE "the invitation is out" TO REPORT-TEXT
               WHEN ORDER-IS-UNLINK
                   MOVE "the account's administrator has been asked"
                       TO REPORT-TEXT
               WHEN ORDER-IS-LIST
                   PERFORM COUNT-ITEMS
           END-EVALUATE.

       COUNT-ITEMS.
           MOVE ZEROS TO ITEM-COUNTS
           CALL "WXITEM" USING WX-CALL WX-RESULT WX-ITEM
           PERFORM UNTIL WX-NO-MORE-ITEMS
               ADD 1 TO ITEM-COUNT
               EVALUATE TRUE
                   WHEN WX-ITEM-LINKED
                       ADD 1 TO LINKED-COUNT
                   WHEN WX-ITEM-WAITS-ACCOUNT OR WX-ITEM-WAITS-PROGRAM
                       ADD 1 TO WAITING-COUNT
                   WHEN WX-ITEM-REFUSED
                       ADD 1 TO REFUSED-COUNT
               END-EVALUATE
               CALL "WXITEM" USING WX-CALL WX-RESULT WX-ITEM
           END-PERFORM
           MOVE 1 TO TEXT-AT
           MOVE ITEM-COUNT TO SHOWN-COUNT
           STRING FUNCTION TRIM(SHOWN-COUNT) " in the list, "
               DELIMITED BY SIZE INTO REPORT-TEXT WITH POINTER TEXT-AT
           MOVE LINKED-COUNT TO SHOWN-COUNT
           STRING FUNCTION TRIM(SHOWN-COUNT) " linked, "
               DELIMITED BY SIZE INTO REPORT-TEXT WITH POINTER TEXT-AT
           MOVE WAITING-COUNT TO SHOWN-COUNT
           STRING FUNCTION TRIM(SHOWN-COUNT) " waiting, "
               DELIMITED BY SIZE INTO REPORT-TEXT WITH POINTER TEXT-AT
           MOVE REFUSED-COUNT TO SHOWN-COUNT
           STRING FUNCTION TRIM(SHOWN-COUNT) " refused"
               DELIMITED BY SIZE INTO REPORT-TEXT WITH POINTER TEXT-AT.

       PRINT-ORDER.
           ADD 1 TO OUTCOME-COUNT(OUTCOME)
           MOVE RECORD-NUMBER TO REPORT-RECORD
           MOVE ORDER-VERB TO REPORT-VERB
           MOVE ORDER-APPID TO REPORT-APPID
           MOVE OUTCOME-NAME(OUTCOME) TO REPORT-OUTCOME
           DISPLAY FUNCTION TRIM(REPORT-LINE TRAILING).

       PRINT-SUMMARY.
           MOVE SPACES TO REPORT-TEXT
           MOVE ORDER-COUNT TO SHOWN-COUNT
           MOVE 1 TO TEXT-AT
           STRING FUNCTION TRIM(SHOWN-COUNT) " orders:"
               DELIMITED BY SIZE INTO REPORT-TEXT WITH POINTER TEXT-AT
           PERFORM VARYING OUTCOME FROM 1 BY 1 UNTIL OUTCOME > 6
               MOVE OUTCOME-COUNT(OUTCOME) TO SHOWN-COUNT
               STRING " " FUNCTION TRIM(SHOWN-COUNT)
                      " " FUNCTION TRIM(OUTCOME-NAME(OUTCOME))
                   DELIMITED BY SIZE
                   INTO REPORT-TEXT WITH POINTER TEXT-AT
           END-PERFORM
           DISPLAY FUNCTION TRIM(REPORT-TEXT TRAILING).

       END PROGRAM WXBATCH.

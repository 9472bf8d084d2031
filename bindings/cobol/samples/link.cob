      *----------------------------------------------------------------*
      * Links one mini program to an Official Account.                 *
      *                                                                *
      *   WXLINK_ACCESS_TOKEN=... link APPID NOTIFY_USERS SHOW_PROFILE *
      *                                                                *
      * Ends with 0 if the mini program is linked or on its way, 1 if  *
      * not, 2 after wrong arguments or options.                       *
      *----------------------------------------------------------------*
       IDENTIFICATION DIVISION.
       PROGRAM-ID. LINKS.

       DATA DIVISION.
       WORKING-STORAGE SECTION.
       COPY WXLINK.
       01  CALLED                        PIC X VALUE "Y".
           88  WRONGLY-CALLED            VALUE "N".
       01  ARGUMENTS                     PIC 99.
       01  FLAGS.
           05  FLAG-NOTIFY               PIC X(8).
           05  FLAG-SHOW                 PIC X(8).

       PROCEDURE DIVISION.
       MAIN-PARAGRAPH.
           INITIALIZE WX-CALL
           PERFORM READ-ENVIRONMENT
           PERFORM READ-ARGUMENTS
           IF WRONGLY-CALLED
               DISPLAY "usage: WXLINK_ACCESS_TOKEN=... link APPID"
                   " NOTIFY_USERS(0|1) SHOW_PROFILE(0|1)" UPON SYSERR
               STOP RUN RETURNING 2
           END-IF

           SET WX-OP-LINK TO TRUE
           CALL "WXCALL" USING WX-CALL WX-RESULT
           EVALUATE TRUE
               WHEN WX-OK
                   DISPLAY "The invitation is out."
                   MOVE 0 TO RETURN-CODE
               WHEN WX-CLASS-OK OR WX-CLASS-PENDING
                   DISPLAY WX-MESSAGE(1:WX-MESSAGE-LEN)
                   MOVE 0 TO RETURN-CODE
               WHEN OTHER
                   DISPLAY WX-MESSAGE(1:WX-MESSAGE-LEN) UPON SYSERR
                   MOVE 1 TO RETURN-CODE
           END-EVALUATE
           IF WX-E-BAD-OPTION
               MOVE 2 TO RETURN-CODE
           END-IF
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

       READ-ARGUMENTS.
           ACCEPT ARGUMENTS FROM ARGUMENT-NUMBER
           IF ARGUMENTS NOT = 3
               SET WRONGLY-CALLED TO TRUE
           ELSE
               ACCEPT WX-APPID FROM ARGUMENT-VALUE
               ACCEPT FLAG-NOTIFY FROM ARGUMENT-VALUE
               ACCEPT FLAG-SHOW FROM ARGUMENT-VALUE
               IF (FLAG-NOTIFY NOT = "0" AND "1")
                       OR (FLAG-SHOW NOT = "0" AND "1")
                   SET WRONGLY-CALLED TO TRUE
               END-IF
               MOVE FLAG-NOTIFY TO WX-NOTIFY-USERS
               MOVE FLAG-SHOW TO WX-SHOW-PROFILE
           END-IF.

       END PROGRAM LINKS.

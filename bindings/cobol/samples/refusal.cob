      *----------------------------------------------------------------*
      * Links a mini program and decides by the class of the result    *
      * what to do after a refusal.                                    *
      *                                                                *
      *     WXLINK_ACCESS_TOKEN=... refusal APPID                      *
      *                                                                *
      * Ends with 0 if the mini program is linked or on its way, 1 if a*
      * person must act first, 2 after wrong arguments or options, 3 if*
      * another token is needed, 4 if the call may be repeated later,  *
      * 5 if the outcome is unknown.                                   *
      *----------------------------------------------------------------*
       IDENTIFICATION DIVISION.
       PROGRAM-ID. REFUSES.

       DATA DIVISION.
       WORKING-STORAGE SECTION.
       COPY WXLINK.
       01  CALLED                        PIC X VALUE "Y".
           88  WRONGLY-CALLED            VALUE "N".
       01  ARGUMENTS                     PIC 99.

       PROCEDURE DIVISION.
       MAIN-PARAGRAPH.
           INITIALIZE WX-CALL
           PERFORM READ-ENVIRONMENT
           PERFORM READ-ARGUMENTS
           IF WRONGLY-CALLED
               DISPLAY "usage: WXLINK_ACCESS_TOKEN=... refusal APPID"
                   UPON SYSERR
               STOP RUN RETURNING 2
           END-IF

           SET WX-OP-LINK TO TRUE
           MOVE "0" TO WX-NOTIFY-USERS
           MOVE "1" TO WX-SHOW-PROFILE
           CALL "WXCALL" USING WX-CALL WX-RESULT
           IF WX-E-BAD-OPTION
               DISPLAY WX-MESSAGE(1:WX-MESSAGE-LEN) UPON SYSERR
               STOP RUN RETURNING 2
           END-IF
           PERFORM DECIDE
           STOP RUN.

       DECIDE.
           EVALUATE TRUE
               WHEN WX-OK
                   DISPLAY "done: the invitation is out"
                   MOVE 0 TO RETURN-CODE
               WHEN WX-CLASS-OK OR WX-CLASS-PENDING
                   DISPLAY "done: " WX-MESSAGE(1:WX-MESSAGE-LEN)
                   MOVE 0 TO RETURN-CODE
               WHEN WX-CLASS-TOKEN
                   DISPLAY "token: get another access token,"
                       " then call again"
                   MOVE 3 TO RETURN-CODE
               WHEN WX-CLASS-BUSY
                   DISPLAY "busy: wait a little, then call again"
                   MOVE 4 TO RETURN-CODE
               WHEN WX-CLASS-QUOTA
                   DISPLAY "quota: call again when it is renewed"
                   MOVE 4 TO RETURN-CODE
               WHEN WX-CLASS-ACTION-REQUIRED
                   DISPLAY "action_required: "
                       WX-MESSAGE(1:WX-MESSAGE-LEN)
                   MOVE 1 TO RETURN-CODE
               WHEN WX-CLASS-INVALID-REQUEST
                   DISPLAY "invalid_request: "
                       WX-MESSAGE(1:WX-MESSAGE-LEN)
                   MOVE 1 TO RETURN-CODE
               WHEN OTHER
                   DISPLAY "unknown: " WX-MESSAGE(1:WX-MESSAGE-LEN)
                   MOVE 5 TO RETURN-CODE
           END-EVALUATE.

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
           IF ARGUMENTS = 1
               ACCEPT WX-APPID FROM ARGUMENT-VALUE
           ELSE
               SET WRONGLY-CALLED TO TRUE
           END-IF.

       END PROGRAM REFUSES.

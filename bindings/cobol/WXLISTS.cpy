      *----------------------------------------------------------------*
      * WXLISTS: the lists that WXCALL keeps for WXITEM. Programs use  *
      * WXLINK.cpy alone.                                              *
      *----------------------------------------------------------------*
      *    GnuCOBOL clears external records. A number of 0 is no list.
       01  WX-LISTS                      EXTERNAL.
           05  LAST-LIST-NUMBER          BINARY-LONG UNSIGNED.
           05  WX-KEPT-LIST              OCCURS 16.
               10  LIST-NUMBER           BINARY-LONG UNSIGNED.
               10  LIST-RESULT           USAGE POINTER.

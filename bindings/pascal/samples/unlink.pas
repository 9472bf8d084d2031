{ Asks to unlink a mini program from an Official Account.

    WXLINK_ACCESS_TOKEN=... unlink APPID

  Exits with 0 if the administrator has been asked, 1 if not, 2 after wrong arguments or options. }
program unlink;

{$IFDEF FPC}
  {$MODE DELPHI}
  {$H+}
{$ENDIF}
{$APPTYPE CONSOLE}

uses
  wxlink, surroundings;

procedure Run(const Token: UTF8String);
var
  Client: TWxClient;
begin
  Client := ClientFromEnvironment;
  try
    Client.UnlinkMiniprogram(Token, UTF8String(ParamStr(1)));
    WriteLn('The Official Account''s administrator has been asked.');
  finally
    Client.Free;
  end;
end;

var
  Token: UTF8String;
begin
  if (ParamCount <> 1) or not FromEnvironment('WXLINK_ACCESS_TOKEN', Token) then
  begin
    WriteLn(ErrOutput, 'usage: WXLINK_ACCESS_TOKEN=... unlink APPID');
    ExitCode := 2;
    Exit;
  end;
  try
    Run(Token);
  except
    on E: EWxError do
      if E.CallResult.ErrorClass in [wcOk, wcPending] then
        WriteLn(E.CallResult.Message)
      else
      begin
        WriteLn(ErrOutput, E.CallResult.Message);
        if E.CallResult.Status = WX_E_BAD_OPTION then
          ExitCode := 2
        else
          ExitCode := 1;
      end;
  end;
end.

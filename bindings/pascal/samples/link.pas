{ Links one mini program to an Official Account.

    WXLINK_ACCESS_TOKEN=... link APPID NOTIFY_USERS SHOW_PROFILE

  The token comes from the environment, because every user of the machine can see arguments.
  Exits with 0 if the mini program is linked or on its way, 1 if not, 2 after wrong arguments or
  options. }
program link;

{$IFDEF FPC}
  {$MODE DELPHI}
  {$H+}
{$ENDIF}
{$APPTYPE CONSOLE}

uses
  wxlink, surroundings;

function IsFlag(const Text: string): Boolean;
begin
  Result := (Text = '0') or (Text = '1');
end;

procedure Run(const Token: UTF8String);
const
  Notify: array[Boolean] of TWxNotifyUsers = (nuNo, nuYes);
  Show: array[Boolean] of TWxShowProfile = (spNo, spYes);
var
  Client: TWxClient;
begin
  Client := ClientFromEnvironment;
  try
    Client.LinkMiniprogram(Token, UTF8String(ParamStr(1)), Notify[ParamStr(2) = '1'],
      Show[ParamStr(3) = '1']);
    WriteLn('The invitation is out.');
  finally
    Client.Free;
  end;
end;

var
  Token: UTF8String;
begin
  if (ParamCount <> 3) or not IsFlag(ParamStr(2)) or not IsFlag(ParamStr(3))
    or not FromEnvironment('WXLINK_ACCESS_TOKEN', Token) then
  begin
    WriteLn(ErrOutput, 'usage: WXLINK_ACCESS_TOKEN=... link APPID NOTIFY_USERS(0|1) ',
      'SHOW_PROFILE(0|1)');
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

{ Links a mini program and decides by the class of the result what to do after a refusal.

    WXLINK_ACCESS_TOKEN=... refusal APPID

  Exits with 0 if the mini program is linked or on its way, 1 if a person must act first, 2 after
  wrong arguments or options, 3 if another token is needed, 4 if the call may be repeated later, 5
  if the outcome is unknown. }
program refusal;

{$IFDEF FPC}
  {$MODE DELPHI}
  {$H+}
{$ENDIF}
{$APPTYPE CONSOLE}

uses
  wxlink, surroundings;

procedure Decide(const CallResult: TWxResult);
begin
  case CallResult.ErrorClass of
    wcOk, wcPending:
      WriteLn('done: ', CallResult.Message);
    wcToken:
      begin
        WriteLn('token: get another access token, then call again');
        ExitCode := 3;
      end;
    wcBusy:
      begin
        WriteLn('busy: wait a little, then call again');
        ExitCode := 4;
      end;
    wcQuota:
      begin
        WriteLn('quota: call again when it is renewed');
        ExitCode := 4;
      end;
    wcActionRequired, wcInvalidRequest:
      begin
        WriteLn(WxClassNames[CallResult.ErrorClass], ': ', CallResult.Message);
        ExitCode := 1;
      end;
  else
    WriteLn('unknown: ', CallResult.Message);
    ExitCode := 5;
  end;
end;

procedure Run(const Token: UTF8String);
var
  Client: TWxClient;
begin
  Client := ClientFromEnvironment;
  try
    try
      Client.LinkMiniprogram(Token, UTF8String(ParamStr(1)), nuNo, spYes);
      WriteLn('done: the invitation is out');
    except
      on E: EWxError do
        Decide(E.CallResult);
    end;
  finally
    Client.Free;
  end;
end;

var
  Token: UTF8String;
begin
  if (ParamCount <> 1) or not FromEnvironment('WXLINK_ACCESS_TOKEN', Token) then
  begin
    WriteLn(ErrOutput, 'usage: WXLINK_ACCESS_TOKEN=... refusal APPID');
    ExitCode := 2;
    Exit;
  end;
  try
    Run(Token);
  except
    on E: EWxError do
    begin
      WriteLn(ErrOutput, E.CallResult.Message);
      ExitCode := 2;
    end;
  end;
end.

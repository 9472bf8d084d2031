{ Lists the mini programs linked to an Official Account, and those on their way.

    WXLINK_ACCESS_TOKEN=... list

  Exits with 0, 1 if the list could not be read, 2 after wrong arguments or options. }
program list;

{$IFDEF FPC}
  {$MODE DELPHI}
  {$H+}
{$ENDIF}
{$APPTYPE CONSOLE}

uses
  SysUtils, wxlink, surroundings;

{ A missing text is a hyphen. }
function Shown(const Text: UTF8String): UTF8String;
begin
  if Text = '' then
    Result := '-'
  else
    Result := Text;
end;

function StatusText(const Item: TWxItem): UTF8String;
begin
  case Item.Status of
    lsMissing: Result := '-';
    lsLinked: Result := 'linked';
    lsAwaitingMiniProgram: Result := 'waiting for the mini program''s administrator';
    lsRefused: Result := 'refused by the mini program''s administrator';
    lsAwaitingOfficialAccount: Result := 'waiting for the Official Account''s administrator';
  else
    Result := UTF8String(IntToStr(Item.StatusCode));
  end;
end;

procedure WriteRow(const Appid, Username, Status, Nickname: UTF8String);

  function Column(const Text: UTF8String; Width: Integer): UTF8String;
  begin
    Result := Text + UTF8String(StringOfChar(' ', Width - Length(Text)));
  end;

begin
  WriteLn('  ', Column(Appid, 18), '  ', Column(Username, 18), '  ', Column(Status, 48), '  ',
    Nickname);
end;

procedure WriteTable(const Items: TWxItems);
var
  I: Integer;
begin
  WriteRow('APPID', 'ORIGINAL ID', 'STATUS', 'NAME');
  for I := 0 to High(Items) do
    WriteRow(Shown(Items[I].Appid), Shown(Items[I].Username), StatusText(Items[I]),
      Shown(Items[I].Nickname));
  if Length(Items) = 0 then
    WriteLn('  (none)');
end;

procedure Run(const Token: UTF8String);
var
  Client: TWxClient;
begin
  Client := ClientFromEnvironment;
  try
    WriteTable(Client.GetLinked(Token).Items);
  finally
    Client.Free;
  end;
end;

var
  Token: UTF8String;
begin
  if not FromEnvironment('WXLINK_ACCESS_TOKEN', Token) then
  begin
    WriteLn(ErrOutput, 'usage: WXLINK_ACCESS_TOKEN=... list');
    ExitCode := 2;
    Exit;
  end;
  try
    Run(Token);
  except
    on E: EWxError do
    begin
      WriteLn(ErrOutput, E.CallResult.Message);
      if E.CallResult.Status = WX_E_BAD_OPTION then
        ExitCode := 2
      else
        ExitCode := 1;
    end;
  end;
end.

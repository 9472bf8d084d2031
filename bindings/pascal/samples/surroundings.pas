{ What the samples share: the environment, and a terminal that is written in UTF-8. }
unit surroundings;

{$IFDEF FPC}
  {$MODE DELPHI}
  {$H+}
{$ENDIF}

interface

uses
  wxlink;

{ False if the environment has no such variable. }
function FromEnvironment(const Name: string; out Value: UTF8String): Boolean;

{ Makes a client. WXLINK_BASE_URL, if set, replaces WeChat's address, for example by the sandbox's.
  Raises EWxError if it is not a URL. }
function ClientFromEnvironment: TWxClient;

implementation

uses
  SysUtils;

function FromEnvironment(const Name: string; out Value: UTF8String): Boolean;
{$IFDEF FPC}
var
  I: Integer;
{$ENDIF}
begin
  Value := UTF8String(GetEnvironmentVariable(Name));
  Result := Value <> '';
{$IFDEF FPC}
  { A variable may be set to an empty text. }
  for I := 1 to GetEnvironmentVariableCount do
    Result := Result or (Pos(Name + '=', GetEnvironmentString(I)) = 1);
{$ENDIF}
end;

function ClientFromEnvironment: TWxClient;
var
  Options: TWxOptions;
  BaseUrl: UTF8String;
begin
  Options := TWxOptions.Create;
  try
    if FromEnvironment('WXLINK_BASE_URL', BaseUrl) then
      Options['base_url'] := BaseUrl;
    Result := TWxClient.Create(Options);
  finally
    Options.Free;
  end;
end;

initialization
  SetTextCodePage(Output, 65001);
  SetTextCodePage(ErrOutput, 65001);
end.

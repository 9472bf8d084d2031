{ The WeChat simulator that tools/with_sandbox.py started. All tests share it, one after the other:
  each resets it first. }
unit sandbox;

{$MODE DELPHI}
{$H+}

interface

uses
  SysUtils, Classes, fphttpclient, fpjson, jsonparser;

type
  TSandbox = class
  private
    FUrl: string;
    FAdmin: string;
  public
    { Raises an exception if the simulator's addresses are not in the environment. }
    constructor Create;
    { Sends a request to the admin interface, a POST if there is a body. The caller frees the
      response. }
    function Request(const Path: string; const Body: string = ''): TJSONData;
    { The same, and frees the response. }
    procedure Post(const Path, Body: string);
    { How many requests to an endpoint have arrived since the reset. }
    function Received(const Name: string): Integer;
    property Url: string read FUrl;
  end;

implementation

constructor TSandbox.Create;
begin
  inherited Create;
  FUrl := GetEnvironmentVariable('WXLINK_BASE_URL');
  FAdmin := GetEnvironmentVariable('WXLINK_SANDBOX_ADMIN');
  if FAdmin = '' then
    raise Exception.Create('WXLINK_SANDBOX_ADMIN is not set: run bindings/pascal/test.sh');
end;

function TSandbox.Request(const Path, Body: string): TJSONData;
var
  Http: TFPHTTPClient;
  Content: TStringStream;
  Text: string;
begin
  Content := nil;
  Http := TFPHTTPClient.Create(nil);
  try
    if Body = '' then
      Text := Http.Get(FAdmin + Path)
    else
    begin
      Content := TStringStream.Create(Body);
      Http.RequestBody := Content;
      Text := Http.Post(FAdmin + Path);
    end;
    Result := GetJSON(Text);
  finally
    Content.Free;
    Http.Free;
  end;
end;

procedure TSandbox.Post(const Path, Body: string);
begin
  Request(Path, Body).Free;
end;

function TSandbox.Received(const Name: string): Integer;
var
  Counts: TJSONData;
begin
  Counts := Request('journal/counts');
  try
    Result := Counts.FindPath('received.' + Name).AsInteger;
  finally
    Counts.Free;
  end;
end;

end.

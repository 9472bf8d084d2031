{ The sandbox, as a program of its own. }
unit sandbox;

{$MODE DELPHI}
{$H+}

interface

uses
  SysUtils, Classes, Process, fphttpclient, fpjson, jsonparser;

type
  TSandbox = class
  private
    FProcess: TProcess;
    FUrl: string;
  public
    constructor Create(const FileName: string);
    destructor Destroy; override;
    { Asks the admin interface; the answer is the caller's. Posts if there is a body. }
    function Ask(const Path: string; const Body: string = ''): TJSONData;
    { The same for those who want no answer. }
    procedure Tell(const Path, Body: string);
    { How many requests to that endpoint arrived. }
    function Received(const Name: string): Integer;
    property Url: string read FUrl;
  end;

implementation

uses
  BaseUnix;

constructor TSandbox.Create(const FileName: string);
var
  Line: string;
  Character: AnsiChar;
  About: TJSONData;
begin
  inherited Create;
  FProcess := TProcess.Create(nil);
  FProcess.Executable := FileName;
  FProcess.Options := [poUsePipes];
  FProcess.Execute;
  { One line when it is ready; the pipe ends if it never is. }
  Line := '';
  while (FProcess.Output.Read(Character, 1) = 1) and (Character <> #10) do
    Line := Line + Character;
  About := GetJSON(Line);
  try
    FUrl := About.FindPath('http').AsString;
  finally
    About.Free;
  end;
end;

destructor TSandbox.Destroy;
begin
  { TProcess.Terminate would not wait for it to tidy up. }
  FpKill(FProcess.ProcessID, SIGTERM);
  FProcess.WaitOnExit;
  FProcess.Free;
  inherited Destroy;
end;

function TSandbox.Ask(const Path, Body: string): TJSONData;
var
  Http: TFPHTTPClient;
  Content: TStringStream;
  Text: string;
begin
  Content := nil;
  Http := TFPHTTPClient.Create(nil);
  try
    if Body = '' then
      Text := Http.Get(FUrl + '/__sandbox/' + Path)
    else
    begin
      Content := TStringStream.Create(Body);
      Http.RequestBody := Content;
      Text := Http.Post(FUrl + '/__sandbox/' + Path);
    end;
    Result := GetJSON(Text);
  finally
    Content.Free;
    Http.Free;
  end;
end;

procedure TSandbox.Tell(const Path, Body: string);
begin
  Ask(Path, Body).Free;
end;

function TSandbox.Received(const Name: string): Integer;
var
  Counts: TJSONData;
begin
  Counts := Ask('journal/counts');
  try
    Result := Counts.FindPath('received.' + Name).AsInteger;
  finally
    Counts.Free;
  end;
end;

end.

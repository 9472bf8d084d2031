{ Tests of the unit and the samples against the simulator that tools/with_sandbox.py started.

    test_wxlink SAMPLES

  SAMPLES is the folder of the compiled samples. }
program test_wxlink;

{$MODE DELPHI}
{$H+}

uses
{$IFDEF UNIX}
  cthreads,
{$ENDIF}
  SysUtils, Classes, Math, Process, fpcunit, testregistry, plaintestreport, wxlink, sandbox;

const
  Account = 'wx0a00000000000001';
  Token = 'SANDBOX-TOKEN';
  FullToken = 'SANDBOX-TOKEN-3';
  Program1 = 'wx0b00000000000001';
  ForbidsLinking = 'wx0b000000000000e3';
  Millisecond = 1 / MSecsPerDay;

var
  Simulator: TSandbox;

function NewClient(const Url: string; const Key: string = ''; const Value: string = ''): TWxClient;
var
  Options: TWxOptions;
begin
  Options := TWxOptions.Create;
  try
    Options['base_url'] := Url;
    { Claims would outlive the resets of the simulator. }
    Options['settle_ms'] := '0';
    if Key <> '' then
      Options[Key] := Value;
    Result := TWxClient.Create(Options);
  finally
    Options.Free;
  end;
end;

{ The bytes in this file: UTF-8, whatever the system's code page. }
function Bytes(const Text: UTF8String): string;
begin
  SetString(Result, PAnsiChar(Text), Length(Text));
end;

type
  { Calls on its own thread. }
  TCaller = class(TThread)
  private
    FClient: TWxClient;
    FCalls: Integer;
  protected
    procedure Execute; override;
  public
    Status: Integer;
    constructor Create(Client: TWxClient; Calls: Integer);
  end;

constructor TCaller.Create(Client: TWxClient; Calls: Integer);
begin
  FClient := Client;
  FCalls := Calls;
  inherited Create(False);
end;

procedure TCaller.Execute;
var
  I: Integer;
begin
  try
    for I := 1 to FCalls do
      FClient.GetLinked(Token);
    Status := WX_OK;
  except
    on E: EWxError do
      Status := E.CallResult.Status;
  end;
end;

type
  TWxTest = class(TTestCase)
  private
    FClient: TWxClient;
    procedure Fault(const Endpoint, When, What: string);
    procedure Decide(const Appid, By, Decision: string);
    { Links Program1, which must fail, and returns the result. }
    function Refusal(Client: TWxClient; const AccessToken: UTF8String;
      const Appid: UTF8String = Program1): TWxResult;
    procedure CheckOption(const Key, Value, Part: string);
  protected
    procedure SetUp; override;
    procedure TearDown; override;
  published
    procedure LinksAndLists;
    procedure ReadsEveryField;
    procedure ReadsWhatIsMissing;
    procedure ReadsLongLists;
    procedure RefusesInvalidLists;
    procedure GetsTokens;
    procedure Unlinks;
    procedure ReportsRefusals;
    procedure ReportsClasses;
    procedure ReportsLostOutcome;
    procedure ReportsNeverSent;
    procedure HidesToken;
    procedure RefusesBadTexts;
    procedure ChecksOptions;
    procedure TakesOptionsForOneClient;
    procedure EnsuresAndWaits;
    procedure ReturnsDeclinedAndVanished;
    procedure EnsureRaisesWhenStateIsUnknown;
    procedure SharesClientBetweenThreads;
    procedure Cancels;
    procedure SurvivesStrangeNumbers;
    procedure KnowsErrcodes;
    procedure CallsExec;
  end;

procedure TWxTest.SetUp;
begin
  Simulator.Post('reset', '{}');
  FClient := NewClient(Simulator.Url);
end;

procedure TWxTest.TearDown;
begin
  FreeAndNil(FClient);
end;

procedure TWxTest.Fault(const Endpoint, When, What: string);
begin
  Simulator.Post('faults',
    Format('{"endpoint":"%s","when":"%s","fault":%s}', [Endpoint, When, What]));
end;

procedure TWxTest.Decide(const Appid, By, Decision: string);
begin
  Simulator.Post('approvals', Format('{"account":"%s","appid":"%s","by":"%s","decision":"%s"}',
    [Account, Appid, By, Decision]));
end;

function TWxTest.Refusal(Client: TWxClient; const AccessToken, Appid: UTF8String): TWxResult;
begin
  Result.Status := WX_OK;
  try
    Client.LinkMiniprogram(AccessToken, Appid, nuNo, spYes);
  except
    on E: EWxError do
    begin
      Result := E.CallResult;
      AssertEquals('the exception''s message', string(Result.Message), E.Message);
    end;
  end;
  AssertTrue('a link must fail', Result.Status <> WX_OK);
end;

procedure TWxTest.LinksAndLists;
var
  CallResult: TWxResult;
  List: TWxList;
begin
  AssertEquals(0, Length(FClient.GetLinked(Token).Items));
  CallResult := FClient.LinkMiniprogram(Token, Program1, nuNo, spYes);
  AssertEquals(WX_OK, CallResult.Status);
  AssertEquals(0, CallResult.Errcode);
  AssertTrue('class', CallResult.ErrorClass = wcOk);
  AssertTrue('delivery', CallResult.Delivery = wdAnswered);
  AssertEquals(200, CallResult.HttpStatus);
  AssertEquals('', string(CallResult.Message));
  AssertEquals('{"errcode":0,"errmsg":"ok"}', string(CallResult.Json));
  AssertTrue('trace', Pos('"endpoint":"link"', CallResult.Trace) > 0);
  List := FClient.GetLinked(Token);
  AssertEquals(1, Length(List.Items));
  AssertEquals(Program1, string(List.Items[0].Appid));
  AssertTrue('status', List.Items[0].Status = lsAwaitingOfficialAccount);
end;

procedure TWxTest.GetsTokens;
var
  Options: TWxOptions;
  Platform: TWxClient;
begin
  Platform := nil;
  Options := TWxOptions.Create;
  try
    Options['base_url'] := Simulator.Url;
    Options['component_appid'] := 'wx0c00000000000001';
    Options['component_appsecret'] := 'SANDBOX-COMPONENT-SECRET';
    Options['account'] := 'wx0a00000000000001';
    Platform := TWxClient.Create(Options);
    try
      Platform.SetTicket('');
      Fail('an empty ticket was taken');
    except
      on E: EWxError do
        AssertEquals(WX_E_BAD_VALUE, E.CallResult.Status);
    end;
    Platform.SetTicket('REFUSED-TICKET');
    try
      Platform.GetLinked('');
      Fail('a wrong ticket was taken');
    except
      on E: EWxError do
      begin
        AssertEquals(WX_E_NO_TOKEN, E.CallResult.Status);
        AssertTrue('class', E.CallResult.ErrorClass = wcTicket);
        AssertTrue('delivery', E.CallResult.Delivery = wdNeverSent);
      end;
    end;
    Platform.SetTicket('SANDBOX-TICKET');
    Platform.AddAccount('wx0a00000000000001', 'SANDBOX-REFRESH-1');
    AssertEquals(0, Length(Platform.GetLinked('').Items));
    AssertTrue('stats', Pos('"outcomes":{"NO_TOKEN":1,"OK":1}', string(Platform.Stats.Json)) > 0);
  finally
    Platform.Free;
    Options.Free;
  end;
end;

procedure TWxTest.ReadsEveryField;
var
  List: TWxList;
begin
  Simulator.Post('faults',
    '{"fault":{"body":{"text":"{\"errcode\":0,\"wxopens\":{\"items\":[{\"status\":1,' +
    '\"username\":\"gh_1\",\"appid\":\"wx1\",\"source\":\"SOURCE_NORMAL\",' +
    '\"nickname\":\"示例\",' +
    '\"selected\":1,\"nearby_display_status\":0,\"released\":\"1\",\"headimg_url\":\"http://x\",' +
    '\"func_info\":[{\"id\":1,\"status\":0,\"name\":\"微信认证\"},{\"id\":2}],' +
    '\"copy_verify_status\":1,\"email\":\"a@b\"},{\"status\":99}]}}"}}}');
  List := FClient.GetLinked(Token);
  AssertEquals(2, Length(List.Items));
  with List.Items[0] do
  begin
    AssertTrue('status', Status = lsLinked);
    AssertEquals(1, StatusCode);
    AssertEquals('gh_1', string(Username));
    AssertEquals('wx1', string(Appid));
    AssertEquals('SOURCE_NORMAL', string(Source));
    AssertEquals('示例', Bytes(Nickname));
    AssertEquals(1, Selected);
    AssertEquals(0, NearbyDisplayStatus);
    AssertEquals(1, Released);
    AssertEquals('http://x', string(HeadimgUrl));
    AssertEquals(1, CopyVerifyStatus);
    AssertEquals('a@b', string(Email));
    AssertEquals(2, Length(FuncInfos));
    AssertEquals(1, FuncInfos[0].Id);
    AssertEquals(0, FuncInfos[0].Status);
    AssertEquals('微信认证', Bytes(FuncInfos[0].Name));
    AssertEquals(2, FuncInfos[1].Id);
    AssertEquals(WxMissing, FuncInfos[1].Status);
  end;
  AssertTrue('an unknown status', List.Items[1].Status = lsOther);
  AssertEquals(99, List.Items[1].StatusCode);
end;

procedure TWxTest.ReadsWhatIsMissing;
var
  List: TWxList;
begin
  Fault('get', 'before', '{"body":{"text":"{\"wxopens\":{\"items\":[{}]}}"}}');
  List := FClient.GetLinked(Token);
  AssertEquals(1, Length(List.Items));
  AssertTrue('status', List.Items[0].Status = lsMissing);
  AssertEquals(WxMissing, List.Items[0].Selected);
  AssertEquals('', string(List.Items[0].Appid));
  AssertEquals(0, Length(List.Items[0].FuncInfos));
  Fault('get', 'before', '{"body":{"text":"{\"errcode\":0}"}}');
  AssertEquals(0, Length(FClient.GetLinked(Token).Items));
end;

procedure TWxTest.ReadsLongLists;
const
  Count = 500;
var
  Items: string;
  List: TWxList;
  I: Integer;
begin
  Items := '';
  for I := 1 to Count do
    Items := Items + Format('{\"appid\":\"wx%d\"},', [I]);
  SetLength(Items, Length(Items) - 1);
  Fault('get', 'before', '{"body":{"text":"{\"wxopens\":{\"items\":[' + Items + ']}}"}}');
  List := FClient.GetLinked(Token);
  AssertEquals(Count, Length(List.Items));
  AssertEquals('wx1', string(List.Items[0].Appid));
  AssertEquals('wx500', string(List.Items[Count - 1].Appid));
end;

procedure TWxTest.RefusesInvalidLists;
begin
  Fault('get', 'before', '{"body":{"text":"{\"errcode\":0,\"wxopens\":\"x\"}"}}');
  try
    FClient.GetLinked(Token);
    Fail('an invalid list');
  except
    on E: EWxError do
      AssertEquals(WX_E_BAD_ANSWER, E.CallResult.Status);
  end;
end;

procedure TWxTest.Unlinks;
begin
  AssertEquals(WX_OK, FClient.UnlinkMiniprogram(FullToken, 'wx0b00000000000011').Status);
  try
    FClient.UnlinkMiniprogram(FullToken, 'wx0b00000000000011');
    Fail('asked twice');
  except
    on E: EWxError do
    begin
      AssertEquals(89018, E.CallResult.Errcode);
      AssertTrue('class', E.CallResult.ErrorClass = wcPending);
    end;
  end;
end;

procedure TWxTest.ReportsRefusals;
var
  CallResult: TWxResult;
  Error: EWxError;
begin
  CallResult := Refusal(FClient, Token, ForbidsLinking);
  AssertEquals(WX_E_API, CallResult.Status);
  AssertEquals(89245, CallResult.Errcode);
  AssertTrue('class', CallResult.ErrorClass = wcActionRequired);
  AssertTrue('delivery', CallResult.Delivery = wdAnswered);
  AssertEquals(200, CallResult.HttpStatus);
  AssertTrue('rid', (CallResult.Rid <> '') and (Pos(CallResult.Rid, CallResult.Message) > 0));
  AssertTrue('remedy', Pos('LINKING_SWITCHED_OFF', CallResult.Message) > 0);
  AssertTrue('body', Pos('"errcode":89245', CallResult.Json) > 0);
  Error := EWxError.Create(CallResult);
  try
    AssertEquals('API', Error.StatusName);
  finally
    Error.Free;
  end;
end;

procedure TWxTest.ReportsClasses;

  procedure Expect(Errcode: Integer; Class_: TWxClass);
  begin
    Fault('link', 'before', Format('{"errcode":{"code":%d}}', [Errcode]));
    AssertTrue(IntToStr(Errcode), Refusal(FClient, Token).ErrorClass = Class_);
  end;

begin
  Expect(89015, wcOk);
  Expect(89010, wcPending);
  Expect(40001, wcToken);
  Expect(-1, wcBusy);
  Expect(45009, wcQuota);
  Expect(89013, wcActionRequired);
  Expect(40013, wcInvalidRequest);
  Expect(12345, wcNone);
end;

procedure TWxTest.ReportsLostOutcome;
var
  CallResult: TWxResult;
begin
  Fault('link', 'after', '{"drop":"reset"}');
  CallResult := Refusal(FClient, Token);
  AssertEquals(WX_E_CONNECTION_LOST, CallResult.Status);
  AssertEquals(WX_E_CONNECTION_LOST, CallResult.Errcode);
  AssertTrue('class', CallResult.ErrorClass = wcNone);
  AssertTrue('delivery', CallResult.Delivery = wdUnknown);
  AssertEquals('posted once', 1, Simulator.Received('link'));
end;

procedure TWxTest.ReportsNeverSent;
var
  Client: TWxClient;
  CallResult: TWxResult;
begin
  Client := NewClient('http://127.0.0.1:1');
  try
    CallResult := Refusal(Client, Token);
    AssertEquals(WX_E_CONNECT, CallResult.Status);
    AssertTrue('delivery', CallResult.Delivery = wdNeverSent);
    AssertEquals(0, CallResult.HttpStatus);
  finally
    Client.Free;
  end;
end;

procedure TWxTest.HidesToken;
const
  Secret = 'SECRET-OF-MINE';
var
  CallResult: TWxResult;
begin
  CallResult := Refusal(FClient, Secret);
  AssertEquals(40001, CallResult.Errcode);
  AssertEquals(0,
    Pos(Secret, CallResult.Message + CallResult.Json + CallResult.Trace + CallResult.Rid));
end;

procedure TWxTest.RefusesBadTexts;
begin
  AssertEquals(WX_E_BAD_VALUE, Refusal(FClient, '').Status);
  AssertEquals(WX_E_BAD_VALUE, Refusal(FClient, Token, 'wx'#10).Status);
  AssertEquals(WX_E_BAD_VALUE, Refusal(FClient, Token, Program1 + #0'x').Status);
  AssertEquals(0, Simulator.Received('link'));
end;

procedure TWxTest.CheckOption(const Key, Value, Part: string);
var
  Options: TWxOptions;
begin
  Options := TWxOptions.Create;
  try
    Options[Key] := Value;
    Fail(Key + ' takes ' + Value);
  except
    on E: EWxError do
    begin
      AssertEquals(WX_E_BAD_OPTION, E.CallResult.Status);
      AssertEquals('BAD_OPTION', E.StatusName);
      AssertTrue(E.Message, Pos(Part, E.Message) > 0);
    end;
  end;
  Options.Free;
end;

procedure TWxTest.ChecksOptions;
begin
  CheckOption('nonsense', '1', 'unknown option');
  CheckOption('timeout_ms', '0', 'option timeout_ms');
  CheckOption('base_url', 'http://api.weixin.qq.com', 'option base_url');
  try
    NewClient(Simulator.Url, 'ca_file', '/nowhere').Free;
    Fail('a CA file that is not there');
  except
    on E: EWxError do
      AssertTrue(E.Message, Pos('ca_file', E.Message) > 0);
  end;
end;

procedure TWxTest.TakesOptionsForOneClient;
var
  Options: TWxOptions;
  Client: TWxClient;
begin
  Options := TWxOptions.Create;
  try
    Options['timeout_ms'] := '200';
    Options.Lang := laZh;
    Client := TWxClient.CreateDerived(FClient, Options);
    try
      Fault('link', 'before', '"hang"');
      AssertEquals(WX_E_TIMEOUT, Refusal(Client, Token).Status);
      AssertTrue('in Chinese',
        Pos('微信返回', Bytes(Refusal(Client, Token, ForbidsLinking).Message)) > 0);
    finally
      Client.Free;
    end;
    Options['base_url'] := Simulator.Url;
    try
      TWxClient.CreateDerived(FClient, Options).Free;
      Fail('another address for the same connections');
    except
      on E: EWxError do
        AssertEquals(WX_E_BAD_OPTION, E.CallResult.Status);
    end;
  finally
    Options.Free;
  end;
end;

procedure TWxTest.EnsuresAndWaits;
var
  Progress: TWxProgress;
begin
  Progress := FClient.EnsureLinked(Token, Program1, nuNo, spYes);
  AssertTrue('pending', Progress.State = wsPending);
  AssertTrue('the account first', Progress.WaitsFor = wfOfficialAccount);
  AssertTrue('found', Progress.Found = wsAbsent);
  AssertEquals(1, Progress.Posts);
  AssertEquals(WX_E_PENDING, Progress.CallResult.Status);

  Decide(Program1, 'official_account', 'agree');
  Progress := FClient.EnsureLinked(Token, Program1, nuNo, spYes);
  AssertTrue('then the mini program', Progress.WaitsFor = wfMiniProgram);
  AssertTrue('found', Progress.Found = wsPending);
  AssertEquals(0, Progress.Posts);
  AssertTrue('item', Progress.HasItem);
  AssertEquals(Program1, string(Progress.Item.Appid));

  Decide(Program1, 'mini_program', 'agree');
  Progress := FClient.WaitLinked(Token, Program1, 1000);
  AssertTrue('linked', Progress.State = wsLinked);
  AssertTrue('waits for none', Progress.WaitsFor = wfNone);
  AssertEquals(1, Simulator.Received('link'));
end;

procedure TWxTest.ReturnsDeclinedAndVanished;
var
  Progress: TWxProgress;
begin
  FClient.LinkMiniprogram(Token, Program1, nuNo, spYes);
  Decide(Program1, 'official_account', 'agree');
  AssertTrue('pending', FClient.WaitLinked(Token, Program1).State = wsPending);
  Decide(Program1, 'mini_program', 'refuse');
  Progress := FClient.EnsureLinked(Token, Program1, nuNo, spYes);
  AssertTrue('declined', Progress.State = wsDeclined);
  AssertTrue('class', Progress.CallResult.ErrorClass = wcActionRequired);
  Progress := FClient.WaitLinked(Token, 'gh_000000000002');
  AssertTrue('vanished', Progress.State = wsVanished);
  AssertFalse('no item', Progress.HasItem);
end;

procedure TWxTest.EnsureRaisesWhenStateIsUnknown;
begin
  try
    FClient.EnsureLinked('SANDBOX-EXPIRED', Program1, nuNo, spYes);
    Fail('a token that has expired');
  except
    on E: EWxError do
    begin
      AssertEquals(42001, E.CallResult.Errcode);
      AssertTrue('class', E.CallResult.ErrorClass = wcToken);
      AssertTrue('the state so far', Pos('"state":"unknown"', E.CallResult.Json) > 0);
      AssertTrue('state', E.Progress.State = wsUnknown);
      AssertEquals(0, E.Progress.Posts);
    end;
  end;
end;

procedure TWxTest.SharesClientBetweenThreads;
var
  Callers: array[1..4] of TCaller;
  I: Integer;
begin
  for I := Low(Callers) to High(Callers) do
    Callers[I] := TCaller.Create(FClient, 25);
  for I := Low(Callers) to High(Callers) do
  begin
    Callers[I].WaitFor;
    AssertEquals(WX_OK, Callers[I].Status);
    Callers[I].Free;
  end;
  AssertEquals(100, Simulator.Received('get'));
end;

procedure TWxTest.Cancels;
var
  Client: TWxClient;
  Caller: TCaller;
  Began: TDateTime;
begin
  Fault('get', 'before', '"hang"');
  Client := TWxClient.CreateDerived(FClient);
  try
    Caller := TCaller.Create(Client, 1);
    try
      Began := Now;
      while (Simulator.Received('get') = 0) and (Now - Began < 5000 * Millisecond) do
        TThread.Yield;
      Began := Now;
      Client.Cancel;
      Caller.WaitFor;
      AssertEquals(WX_E_CANCELLED, Caller.Status);
      AssertTrue('long before its time-out', Now - Began < 5000 * Millisecond);
    finally
      Caller.Free;
    end;
  finally
    Client.Free;
  end;
  AssertEquals('others are not cancelled', WX_OK, FClient.GetLinked(Token).CallResult.Status);
end;

{ Pascal turns floating-point exceptions on: they must be on again after a call. }
procedure TWxTest.SurvivesStrangeNumbers;
const
  Numbers: array[1..4] of string = ('1e308000', '12345678901234567890.5e300', '1e-400', '-0.0');
var
  Mask: TFPUExceptionMask;
  Json: string;
  I: Integer;
begin
  Mask := GetExceptionMask;
  AssertFalse('overflow is off anyway', exOverflow in Mask);
  for I := Low(Numbers) to High(Numbers) do
  begin
    Fault('get', 'before', Format('{"body":{"text":"{\"errcode\":0,\"x\":%s}"}}', [Numbers[I]]));
    Json := '';
    try
      Json := string(FClient.GetLinked(Token).CallResult.Json);
      AssertTrue('too large for a list', I > 2);
    except
      { JSON parsers reject the first two numbers, and so does the library. }
      on E: EWxError do
        Json := string(E.CallResult.Json);
    end;
    if I > 2 then
      AssertEquals(Format('{"errcode":0,"x":%s}', [Numbers[I]]), Json)
    else
      AssertTrue(Json, Pos('"errcode":-60', Json) > 0);
    AssertTrue('exceptions as before', GetExceptionMask = Mask);
  end;
end;

procedure TWxTest.KnowsErrcodes;
begin
  AssertEquals('LINK_MESSAGE_SENT', string(WxErrcodeText(epLink, 89010, efName)));
  AssertEquals('pending', string(WxErrcodeText(epAny, 89010, efClass)));
  AssertTrue('remedy', WxErrcodeText(epLink, 89010, efRemedy) <> '');
  AssertTrue('in Chinese', WxErrcodeText(epLink, 89010, efRemedy, laZh)
    <> WxErrcodeText(epLink, 89010, efRemedy));
  AssertEquals('', string(WxErrcodeText(epLink, 12345, efName)));
  AssertEquals('[', string(Copy(WxErrcodesJson, 1, 1)));
  AssertEquals(1, Pos('TIMEOUT:', WxStatusText(WX_E_TIMEOUT)));
  AssertEquals('', string(WxStatusText(1)));
  AssertTrue('version', Pos('.', WxVersion) > 0);
  AssertTrue('the library has the functions', wx_abi_version >= WxAbi);
end;

procedure TWxTest.CallsExec;
var
  Args: UTF8String;
  Buf: array[0..4095] of AnsiChar;
  Len: NativeUInt;
begin
  Args := 'access_token=' + Token + #10'base_url=' + UTF8String(Simulator.Url);
  AssertEquals(WX_OK, wx_exec('list', 4, PAnsiChar(Args), Length(Args), @Buf, SizeOf(Buf), Len));
  AssertTrue('length', (Len > 0) and (Len < SizeOf(Buf)) and (Buf[Len - 1] = '}'));
end;

type
  TSampleTest = class(TTestCase)
  private
    { Runs a sample and looks for texts in its output. }
    procedure Expect(const Name: string; const Arguments: array of string; Code: Integer;
      const Stdout, Stderr: string; const AccessToken: string = Token; const Url: string = '');
  protected
    procedure SetUp; override;
  published
    procedure Link;
    procedure List;
    procedure Refusal;
    procedure Unlink;
    procedure BadEnvironment;
  end;

procedure TSampleTest.SetUp;
begin
  Simulator.Post('reset', '{}');
end;

procedure TSampleTest.Expect(const Name: string; const Arguments: array of string; Code: Integer;
  const Stdout, Stderr, AccessToken, Url: string);
var
  Sample: TProcess;
  Said, Complained: string;
  Raw, I: Integer;

  procedure Compare(const Wanted, Got: string);
  begin
    if Wanted = '' then
      AssertEquals(Name, '', Got)
    else
      AssertTrue(Format('%s: wanted "%s", got "%s"', [Name, Wanted, Got]), Pos(Wanted, Got) > 0);
  end;

begin
  Sample := TProcess.Create(nil);
  try
    Sample.Executable := IncludeTrailingPathDelimiter(ParamStr(1)) + Name;
    for I := Low(Arguments) to High(Arguments) do
      Sample.Parameters.Add(Arguments[I]);
    for I := 1 to GetEnvironmentVariableCount do
      if Pos('WXLINK_', GetEnvironmentString(I)) <> 1 then
        Sample.Environment.Add(GetEnvironmentString(I));
    if AccessToken <> '' then
      Sample.Environment.Add('WXLINK_ACCESS_TOKEN=' + AccessToken);
    if Url = '' then
      Sample.Environment.Add('WXLINK_BASE_URL=' + Simulator.Url)
    else
      Sample.Environment.Add('WXLINK_BASE_URL=' + Url);
    AssertEquals(0, Sample.RunCommandLoop(Said, Complained, Raw));
    Compare(Stdout, Said);
    Compare(Stderr, Complained);
    AssertEquals(Name, Code, Sample.ExitCode);
    AssertEquals('no token', 0, Pos('SANDBOX-', Said + Complained));
  finally
    Sample.Free;
  end;
end;

procedure TSampleTest.Link;
begin
  Expect('link', [Program1, '0', '1'], 0, 'The invitation is out.' + LineEnding, '');
  Expect('link', [Program1, '0', '1'], 0, '89010 LINK_MESSAGE_SENT', '');
  Expect('link', [ForbidsLinking, '0', '1'], 1, '', '89245 LINKING_SWITCHED_OFF');
  Expect('link', [Program1, '2', '1'], 2, '', 'usage: ');
  Expect('link', [Program1, '0'], 2, '', 'usage: ');
end;

procedure TSampleTest.List;

  { A line of the table; its columns have 18, 18 and 48 characters, and the last the rest. }
  function Row(const Appid, Username, Status, Name: string): string;
  begin
    Result := Format('  %-18s  %-18s  %-48s  %s', [Appid, Username, Status, Name]) + LineEnding;
  end;

begin
  Expect('list', [], 0,
    Row('APPID', 'ORIGINAL ID', 'STATUS', 'NAME') + '  (none)' + LineEnding, '');
  Expect('list', [], 0,
    Row('wx0b00000000000011', 'gh_000000000011', 'linked', '示例小程序11') +
    Row('wx0b00000000000012', 'gh_000000000012',
      'waiting for the Official Account''s administrator', '示例小程序12') +
    Row('wx0b00000000000013', 'gh_000000000013',
      'waiting for the mini program''s administrator', '示例小程序13') +
    Row('-', 'gh_000000000014',
      'refused by the mini program''s administrator', '示例小程序14'),
    '', FullToken);
  Expect('list', [], 1, '', '42001', 'SANDBOX-EXPIRED');
  { A host name, which the library looks up on its own thread. }
  Expect('list', [], 0, '(none)', '', Token,
    StringReplace(Simulator.Url, '127.0.0.1', 'localhost', []));
end;

procedure TSampleTest.Refusal;

  procedure Fault(const When, What: string);
  begin
    Simulator.Post('faults', Format('{"endpoint":"link","when":"%s","fault":%s}', [When, What]));
  end;

begin
  Expect('refusal', [Program1], 0, 'done: the invitation is out' + LineEnding, '');
  Expect('refusal', [Program1], 0, 'done: linkMiniprogram: WeChat answered 89010', '');
  Expect('refusal', [Program1], 3, 'token: get another access token, then call again' + LineEnding,
    '', 'SANDBOX-EXPIRED');
  Fault('before', '{"errcode":{"code":-1}}');
  Expect('refusal', [Program1], 4, 'busy: wait a little, then call again' + LineEnding, '');
  Fault('before', '{"errcode":{"code":45011}}');
  Expect('refusal', [Program1], 4, 'quota: call again when it is renewed' + LineEnding, '');
  Expect('refusal', [ForbidsLinking], 1,
    'action_required: linkMiniprogram: WeChat answered 89245', '');
  Expect('refusal', ['wx0b00000000000099'], 1,
    'invalid_request: linkMiniprogram: WeChat answered 40013', '');
  Fault('after', '{"drop":"close"}');
  Expect('refusal', [Program1], 5, 'unknown: linkMiniprogram: CONNECTION_LOST', '');
  Expect('refusal', [], 2, '', 'usage: ');
end;

procedure TSampleTest.Unlink;
begin
  Expect('unlink', ['wx0b00000000000011'], 0,
    'The Official Account''s administrator has been asked.' + LineEnding, '', FullToken);
  Expect('unlink', ['wx0b00000000000011'], 0, '89018 UNLINK_MESSAGE_SENT', '', FullToken);
  Expect('unlink', [Program1], 1, '', '40013 INVALID_APPID', FullToken);
  Expect('unlink', [], 2, '', 'usage: ');
end;

procedure TSampleTest.BadEnvironment;
const
  Elsewhere = 'http://api.weixin.qq.com';
begin
  Expect('link', [Program1, '0', '1'], 2, '', 'option base_url takes', Token, Elsewhere);
  Expect('list', [], 2, '', 'option base_url takes', Token, Elsewhere);
  Expect('refusal', [Program1], 2, '', 'option base_url takes', Token, Elsewhere);
  Expect('unlink', [Program1], 2, '', 'option base_url takes', Token, Elsewhere);
  Expect('list', [], 2, '', 'usage: ', '');
end;

var
  Outcome: TTestResult;
  Report: TPlainResultsWriter;
begin
  Simulator := TSandbox.Create;
  Outcome := TTestResult.Create;
  Report := TPlainResultsWriter.Create(nil);
  try
    RegisterTests([TWxTest, TSampleTest]);
    Outcome.AddListener(Report);
    GetTestRegistry.Run(Outcome);
    if not Outcome.WasSuccessful then
    begin
      Report.WriteResult(Outcome);
      ExitCode := 1;
    end
    else
      WriteLn('pascal: ', Outcome.RunTests, ' tests, all passed');
  finally
    Report.Free;
    Outcome.Free;
    Simulator.Free;
  end;
end.

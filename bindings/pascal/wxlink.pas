{ wxlink: links WeChat mini programs to Official Accounts.

  For Free Pascal and Delphi. The unit declares the functions of the C interface, which
  include/wxlink.h documents, and classes over them, which most programs use:

    Client := TWxClient.Create;
    Link := Client.EnsureLinked(Token, 'wx0b00000000000001', nuNo, spYes, 60000);
    if Link.State <> wsLinked then
      WriteLn(Link.CallResult.Message);

  Texts are UTF-8. Times are in milliseconds. A call returns a record, which outlives the client and
  need not be freed. }
unit wxlink;

{$IFDEF FPC}
  {$MODE DELPHI}
  {$H+}
{$ENDIF}

interface

uses
  SysUtils;

{ ---- The C interface ----

  A program that calls these functions directly must mask floating-point exceptions during the call
  (SetExceptionMask). The classes below do so. }

const
{$IF defined(MSWINDOWS)}
  WxLibrary = 'wxlink.dll';
{$ELSEIF defined(DARWIN) or defined(MACOS)}
  WxLibrary = 'libwxlink.dylib';
{$ELSE}
  WxLibrary = 'libwxlink.so';
{$IFEND}

  { The version of the binary interface that this unit declares. wx_abi_version returns the
    library's. }
  WxAbi = 1;

{$I wxconstants.inc}

type
  Twx_options = record end;
  Twx_client = record end;
  Twx_result = record end;
  Pwx_options = ^Twx_options;
  Pwx_client = ^Twx_client;
  Pwx_result = ^Twx_result;

function wx_abi_version: Cardinal; cdecl;
  external WxLibrary name 'wx_abi_version';
function wx_version: PAnsiChar; cdecl;
  external WxLibrary name 'wx_version';
function wx_status_text(Status: Integer): PAnsiChar; cdecl;
  external WxLibrary name 'wx_status_text';
function wx_options_new: Pwx_options; cdecl;
  external WxLibrary name 'wx_options_new';
function wx_options_set(Options: Pwx_options; Key, Value: PAnsiChar): Integer; cdecl;
  external WxLibrary name 'wx_options_set';
function wx_options_message(Options: Pwx_options): PAnsiChar; cdecl;
  external WxLibrary name 'wx_options_message';
procedure wx_options_free(Options: Pwx_options); cdecl;
  external WxLibrary name 'wx_options_free';
function wx_client_new(Options: Pwx_options; out Client: Pwx_client): Integer; cdecl;
  external WxLibrary name 'wx_client_new';
function wx_client_derive(Client: Pwx_client; Options: Pwx_options;
  out Derived: Pwx_client): Integer; cdecl;
  external WxLibrary name 'wx_client_derive';
function wx_client_set_ticket(Client: Pwx_client; Ticket: PAnsiChar;
  out Outcome: Pwx_result): Integer; cdecl;
  external WxLibrary name 'wx_client_set_ticket';
function wx_client_add_account(Client: Pwx_client; Appid, RefreshToken: PAnsiChar;
  out Outcome: Pwx_result): Integer; cdecl;
  external WxLibrary name 'wx_client_add_account';
function wx_client_accept_push(Client: Pwx_client; Query, Body: PAnsiChar; BodyLen: NativeUInt;
  out Outcome: Pwx_result): Integer; cdecl;
  external WxLibrary name 'wx_client_accept_push';
function wx_client_authorization_url(Client: Pwx_client; RedirectUri, Account: PAnsiChar;
  out Outcome: Pwx_result): Integer; cdecl;
  external WxLibrary name 'wx_client_authorization_url';
function wx_client_accept_authorization(Client: Pwx_client; Code: PAnsiChar;
  out Outcome: Pwx_result): Integer; cdecl;
  external WxLibrary name 'wx_client_accept_authorization';
function wx_client_account_info(Client: Pwx_client; Account: PAnsiChar;
  out Outcome: Pwx_result): Integer; cdecl;
  external WxLibrary name 'wx_client_account_info';
function wx_client_stats(Client: Pwx_client; out Outcome: Pwx_result): Integer; cdecl;
  external WxLibrary name 'wx_client_stats';
procedure wx_client_cancel(Client: Pwx_client); cdecl;
  external WxLibrary name 'wx_client_cancel';
procedure wx_client_free(Client: Pwx_client); cdecl;
  external WxLibrary name 'wx_client_free';
function wx_link_miniprogram(Client: Pwx_client; AccessToken, Appid: PAnsiChar;
  NotifyUsers, ShowProfile: Integer; out Outcome: Pwx_result): Integer; cdecl;
  external WxLibrary name 'wx_link_miniprogram';
function wx_get_linked(Client: Pwx_client; AccessToken: PAnsiChar;
  out Outcome: Pwx_result): Integer; cdecl;
  external WxLibrary name 'wx_get_linked';
function wx_unlink_miniprogram(Client: Pwx_client; AccessToken, Appid: PAnsiChar;
  out Outcome: Pwx_result): Integer; cdecl;
  external WxLibrary name 'wx_unlink_miniprogram';
function wx_ensure_linked(Client: Pwx_client; AccessToken, Appid: PAnsiChar;
  NotifyUsers, ShowProfile: Integer; WaitMs: Cardinal; out Outcome: Pwx_result): Integer; cdecl;
  external WxLibrary name 'wx_ensure_linked';
function wx_wait_linked(Client: Pwx_client; AccessToken, AppidOrGhId: PAnsiChar;
  WaitMs: Cardinal; out Outcome: Pwx_result): Integer; cdecl;
  external WxLibrary name 'wx_wait_linked';
{ Len receives a NativeUInt, and may be nil. }
function wx_result_json(Outcome: Pwx_result; Len: Pointer): PAnsiChar; cdecl;
  external WxLibrary name 'wx_result_json';
function wx_result_errcode(Outcome: Pwx_result): Integer; cdecl;
  external WxLibrary name 'wx_result_errcode';
function wx_result_class(Outcome: Pwx_result): Integer; cdecl;
  external WxLibrary name 'wx_result_class';
function wx_result_http_status(Outcome: Pwx_result): Integer; cdecl;
  external WxLibrary name 'wx_result_http_status';
function wx_result_delivery(Outcome: Pwx_result): Integer; cdecl;
  external WxLibrary name 'wx_result_delivery';
function wx_result_message(Outcome: Pwx_result): PAnsiChar; cdecl;
  external WxLibrary name 'wx_result_message';
function wx_result_rid(Outcome: Pwx_result): PAnsiChar; cdecl;
  external WxLibrary name 'wx_result_rid';
function wx_result_trace(Outcome: Pwx_result): PAnsiChar; cdecl;
  external WxLibrary name 'wx_result_trace';
function wx_result_get(Outcome: Pwx_result; JsonPointer, Buf: PAnsiChar;
  Cap: NativeUInt): Integer; cdecl;
  external WxLibrary name 'wx_result_get';
procedure wx_result_free(Outcome: Pwx_result); cdecl;
  external WxLibrary name 'wx_result_free';
function wx_list_length(Outcome: Pwx_result): NativeUInt; cdecl;
  external WxLibrary name 'wx_list_length';
function wx_list_text(Outcome: Pwx_result; Index: NativeUInt; Field: PAnsiChar): PAnsiChar; cdecl;
  external WxLibrary name 'wx_list_text';
function wx_list_number(Outcome: Pwx_result; Index: NativeUInt; Field: PAnsiChar;
  IfMissing: Integer): Integer; cdecl;
  external WxLibrary name 'wx_list_number';
function wx_list_has(Outcome: Pwx_result; Index: NativeUInt; Field: PAnsiChar): Integer; cdecl;
  external WxLibrary name 'wx_list_has';
function wx_list_size(Outcome: Pwx_result; Index: NativeUInt; Field: PAnsiChar): NativeUInt; cdecl;
  external WxLibrary name 'wx_list_size';
{ Len receives a NativeUInt, and may be nil. }
function wx_list_json(Outcome: Pwx_result; Len: Pointer): PAnsiChar; cdecl;
  external WxLibrary name 'wx_list_json';
function wx_catalogue_json: PAnsiChar; cdecl;
  external WxLibrary name 'wx_catalogue_json';
function wx_errcode_text(Endpoint: PAnsiChar; Errcode: Integer; Field, Lang: PAnsiChar): PAnsiChar;
  cdecl;
  external WxLibrary name 'wx_errcode_text';
function wx_class_text(ErrorClass: Integer; Field, Lang: PAnsiChar): PAnsiChar; cdecl;
  external WxLibrary name 'wx_class_text';
function wx_exec(Op: PAnsiChar; OpLen: NativeUInt; Args: PAnsiChar; ArgsLen: NativeUInt;
  Buf: PAnsiChar; Cap: NativeUInt; out BufLen: NativeUInt): Integer; cdecl;
  external WxLibrary name 'wx_exec';

{ ---- Results ---- }

const
  { A number that is missing in WeChat's answer. }
  WxMissing = Low(Int64);

type
  { Whether WeChat messages every follower of the Official Account about the link. A message cannot
    be taken back, so there is no default. }
  TWxNotifyUsers = (nuNo, nuYes);

  { Whether the mini program is shown in the Official Account's page. There is no default. }
  TWxShowProfile = (spNo, spYes);

  { The result of a call. Contains no token. }
  TWxResult = record
    Status: Integer;          { WX_OK or WX_E_... }
    Errcode: Integer;         { WeChat's if Status is WX_OK or WX_E_API, else the status }
    ErrorClass: TWxClass;
    Delivery: TWxDelivery;
    HttpStatus: Integer;      { 0 if there was no answer }
    Rid: UTF8String;          { the id that WeChat's support asks for }
    Message: UTF8String;      { what happened and what to do, for people; empty after a success }
    Json: UTF8String;         { WeChat's body byte for byte, or JSON made by the library }
    Trace: UTF8String;        { every attempt, as JSON for logs and support }
  end;

  { A capability of a mini program. }
  TWxFuncInfo = record
    Id: Int64;                { 1: WeChat verification, 2: WeChat Pay }
    Status: Int64;            { 0: closed, 1: open }
    Name: UTF8String;
  end;
  TWxFuncInfos = array of TWxFuncInfo;

  { An item of the list. A missing field is an empty text, or WxMissing. }
  TWxItem = record
    Status: TWxLinkStatus;
    StatusCode: Int64;        { WeChat's number }
    Username: UTF8String;     { the original id, gh_... }
    Appid: UTF8String;        { a refused item has none }
    Source: UTF8String;
    Nickname: UTF8String;
    Selected: Int64;          { 1: shown in the Official Account's page }
    NearbyDisplayStatus: Int64; { 1: shown in nearby mini programs, which forbids unlinking }
    Released: Int64;          { 1: published }
    HeadimgUrl: UTF8String;
    CopyVerifyStatus: Int64;
    Email: UTF8String;
    FuncInfos: TWxFuncInfos;
  end;
  TWxItems = array of TWxItem;

  TWxList = record
    CallResult: TWxResult;
    Items: TWxItems;          { in WeChat's order; service accounts may be among them }
  end;

  { wsUnknown: the list could not be read. wsAbsent: the list shows no trace of the mini program;
    only Found has it. wsInDoubt: an earlier invitation may still take effect; see RetryAfterMs. }
  TWxState = (wsUnknown, wsAbsent, wsPending, wsLinked, wsDeclined, wsVanished, wsInDoubt);
  TWxWaitsFor = (wfNone, wfOfficialAccount, wfMiniProgram);

  { The result of EnsureLinked and WaitLinked: how far a link has come. }
  TWxProgress = record
    CallResult: TWxResult;
    State: TWxState;
    WaitsFor: TWxWaitsFor;
    Found: TWxState;          { what the list showed before a post }
    Posts: Integer;           { the links of which WeChat may have seen something }
    RetryAfterMs: Integer;    { how long an earlier invitation may still take effect; or 0 }
    HasItem: Boolean;
    Item: TWxItem;            { as the list showed it last, if HasItem }
  end;

  { A call that failed. }
  EWxError = class(Exception)
  private
    FCallResult: TWxResult;
    FProgress: TWxProgress;
    function GetStatusName: string;
  public
    constructor Create(const CallResult: TWxResult);
    property CallResult: TWxResult read FCallResult;
    { How far EnsureLinked or WaitLinked had come when it failed; wsUnknown and 0 posts after other
      calls. }
    property Progress: TWxProgress read FProgress;
    { The status without its prefix, such as CONNECTION_LOST. }
    property StatusName: string read GetStatusName;
  end;

{ ---- Calls ---- }

  { Settings for a client. Each option is a property, and can be set by its key, too:

      Options.TimeoutMs := 5000;
      Options['timeout_ms'] := '5000';

    An unknown key or an invalid value raises EWxError; the option then keeps its old value.
    Threads: one at a time. }
  TWxOptions = class
  private
    FHandle: Pwx_options;
    procedure SetValue(const Key, Value: UTF8String);
    procedure SetText(Index: Integer; const Value: UTF8String);
    procedure SetNumber(Index: Integer; const Value: Int64);
    procedure SetFlag(Index: Integer; const Value: Boolean);
    procedure SetTrust(Index: Integer; Value: TWxTrust);
    procedure SetLang(Index: Integer; Value: TWxLang);
  public
    constructor Create;
    destructor Destroy; override;
    property Values[const Key: UTF8String]: UTF8String write SetValue; default;

{$I wxoptions.inc}
  end;

  { Calls WeChat and keeps connections for later calls. Make one client and share it.

    Every call that fails raises EWxError. Once anything of a link or unlink was sent, the library
    does not send it again. Only EnsureLinked may post again, after it has read the list.
    Threads: any number at once, but Free alone and last. After a fork, make a client in the
    child. }
  TWxClient = class
  private
    FHandle: Pwx_client;
  public
    { Options are copied, and the caller still owns them; nil for the defaults. }
    constructor Create(Options: TWxOptions = nil);
    { Makes a client on the connections of another client, with its own cancellation and, if the
      options set them, its own timeout_ms, connect_timeout_ms, max_retries, lang and account.
      Either may be freed first. }
    constructor CreateDerived(Client: TWxClient; Options: TWxOptions = nil);
    destructor Destroy; override;
    { Stores the component_verify_ticket that WeChat pushes to a third-party platform. }
    procedure SetTicket(const Ticket: UTF8String);
    { Stores the refresh token that an account gave when it authorised the platform. }
    procedure AddAccount(const Appid, RefreshToken: UTF8String);
    { Accepts a push of WeChat's to a third-party platform: the query string and the body of its
      request, unchanged. Answer success if it returns, HTTP 403 for WX_E_BAD_PUSH, else 503.
      wx_client_accept_push of wxlink.h describes the JSON of the result. }
    function AcceptPush(const Query: UTF8String; const Body: RawByteString): TWxResult;
    { Makes the URLs of the pages on which an account authorises the platform; an empty Account for
      any. The JSON of the result has the fields computer_url, phone_url and expires_in. }
    function AuthorizationUrl(const RedirectUri: UTF8String;
      const Account: UTF8String = ''): TWxResult;
    { Exchanges the code of a redirect (auth_code) for the account's tokens and stores them. The
      JSON of the result has the fields account, permission_sets and may_link. }
    function AcceptAuthorization(const Code: UTF8String): TWxResult;
    { Describes an account that has authorised the platform. wx_client_account_info of wxlink.h
      describes the JSON of the result. }
    function AccountInfo(const Appid: UTF8String): TWxResult;
    { What this client, and the clients that share its connections, have done so far, in numbers.
      wx_client_stats of wxlink.h describes the JSON of the result. Makes no request and does not
      wait. }
    function Stats: TWxResult;
    { Ends the running calls of this client within 100 ms, and all later ones, with
      WX_E_CANCELLED. }
    procedure Cancel;
    { Posts the invitation, once. The Official Account's administrator must agree, then the mini
      program's; read the list, or use WaitLinked, to learn when they have. }
    function LinkMiniprogram(const AccessToken, Appid: UTF8String;
      NotifyUsers: TWxNotifyUsers; ShowProfile: TWxShowProfile): TWxResult;
    { Reads the list of mini programs that are linked or on their way. }
    function GetLinked(const AccessToken: UTF8String): TWxList;
    { Asks the Official Account's administrator to unlink. Posts once. }
    function UnlinkMiniprogram(const AccessToken, Appid: UTF8String): TWxResult;
    { Makes sure that a mini program is linked: reads the list, posts a link if it is not there, and
      waits up to WaitMs for the administrators. Calls that share a store (option store; the
      default is this process's memory) can repeat it safely. A link that is pending, declined,
      vanished or in doubt raises nothing: look at State. }
    function EnsureLinked(const AccessToken, Appid: UTF8String;
      NotifyUsers: TWxNotifyUsers; ShowProfile: TWxShowProfile; WaitMs: Cardinal = 0): TWxProgress;
    { Waits until a mini program is linked, declined or vanished. Posts nothing. Takes an original
      id (gh_...), too. }
    function WaitLinked(const AccessToken, AppidOrGhId: UTF8String;
      WaitMs: Cardinal = 0): TWxProgress;
  end;

{ ---- Versions and errcodes ---- }

type
  { A field of the description of an errcode. efErrmsg: WeChat's own words. }
  TWxErrcodeField = (efName, efClass, efMeaning, efRemedy, efErrmsg);

{ The version of the library that is loaded. }
function WxVersion: UTF8String;
{ What a status means and what to do next, beginning with its name. }
function WxStatusText(Status: Integer): UTF8String;
{ One field of a known errcode that the endpoint answered. Lang is the language of efMeaning and
  efRemedy. Empty if the errcode is unknown. }
function WxErrcodeText(Endpoint: TWxEndpoint; Errcode: Integer; Field: TWxErrcodeField;
  Lang: TWxLang = laEn): UTF8String;
{ All known errcodes, as a JSON array. }
function WxErrcodesJson: UTF8String;

implementation

uses
  Math;

type
  { Masks floating-point exceptions on this thread while it exists. Pascal turns them on, and an
    unusual number in an answer must not raise one inside the library. }
  TMaskedFpu = class(TInterfacedObject)
  private
    FMask: TFPUExceptionMask;
  public
    constructor Create;
    destructor Destroy; override;
  end;

constructor TMaskedFpu.Create;
begin
  inherited Create;
  FMask := SetExceptionMask([exInvalidOp, exDenormalized, exZeroDivide, exOverflow, exUnderflow,
    exPrecision]);
end;

destructor TMaskedFpu.Destroy;
begin
  ClearExceptions(False);
  SetExceptionMask(FMask);
  inherited Destroy;
end;

{ Delphi would read the bytes of a cast in the system's code page. }
function Utf8(Text: PAnsiChar): UTF8String;
begin
  SetString(Result, Text, Length(Text));
end;

function NotSentResult(Status: Integer; const Message: UTF8String): TWxResult;
begin
  Result.Status := Status;
  Result.Errcode := Status;
  Result.ErrorClass := wcNone;
  Result.Delivery := wdNeverSent;
  Result.HttpStatus := 0;
  Result.Rid := '';
  Result.Message := Message;
  Result.Json := '';
  Result.Trace := '';
end;

{ The text for C. Raises EWxError if it contains a NUL, where C would cut it. }
function CText(const Text: UTF8String): PAnsiChar;
begin
  if Pos(#0, Text) > 0 then
    raise EWxError.Create(NotSentResult(WX_E_BAD_VALUE,
      'BAD_VALUE: a text contains a NUL. Pass text without one.'));
  Result := PAnsiChar(Text);
end;

function ClassOf(Code: Integer): TWxClass;
begin
  if (Code > 0) and (Code <= Ord(High(TWxClass))) then
    Result := TWxClass(Code)
  else
    Result := wcNone;
end;

function DeliveryOf(Code: Integer): TWxDelivery;
begin
  case Code of
    WX_DELIVERY_NEVER_SENT: Result := wdNeverSent;
    WX_DELIVERY_ANSWERED: Result := wdAnswered;
  else
    Result := wdUnknown;
  end;
end;

function ReadResult(Status: Integer; Outcome: Pwx_result): TWxResult;
var
  Json: PAnsiChar;
  Len: NativeUInt;
begin
  Result.Status := Status;
  Result.Errcode := wx_result_errcode(Outcome);
  Result.ErrorClass := ClassOf(wx_result_class(Outcome));
  Result.Delivery := DeliveryOf(wx_result_delivery(Outcome));
  Result.HttpStatus := wx_result_http_status(Outcome);
  Result.Rid := Utf8(wx_result_rid(Outcome));
  Result.Message := Utf8(wx_result_message(Outcome));
  Len := 0;
  Json := wx_result_json(Outcome, @Len);
  SetString(Result.Json, Json, Len);
  Result.Trace := Utf8(wx_result_trace(Outcome));
end;

function TextAt(Outcome: Pwx_result; const Place: UTF8String): UTF8String;
var
  Len: Integer;
begin
  Result := '';
  Len := wx_result_get(Outcome, PAnsiChar(Place), nil, 0);
  if Len > 0 then
  begin
    SetLength(Result, Len);
    { A Pascal text ends in a NUL: there is room for the library's. }
    wx_result_get(Outcome, PAnsiChar(Place), PAnsiChar(Result), NativeUInt(Len) + 1);
  end;
end;

function TextOf(Outcome: Pwx_result; Item: NativeUInt; const Field: UTF8String): UTF8String;
begin
  Result := Utf8(wx_list_text(Outcome, Item, PAnsiChar(Field)));
end;

{ wx_list_number has no numbers beyond 32 bits. }
function NumberOf(Outcome: Pwx_result; Item: NativeUInt; const Field: UTF8String): Int64;
var
  Digits: UTF8String;
  I: Integer;
begin
  Digits := TextOf(Outcome, Item, Field);
  Result := WxMissing;
  for I := 1 to Length(Digits) do
    { StrToInt64Def takes spaces and hexadecimal digits, too. }
    if not ((Digits[I] in ['0'..'9']) or ((I = 1) and (Digits[I] = '-'))) then
      Exit;
  Result := StrToInt64Def(string(Digits), WxMissing);
end;

function ReadFuncInfos(Outcome: Pwx_result; Item: NativeUInt): TWxFuncInfos;
const
  Field = 'func_infos';
var
  Place: UTF8String;
  I: Integer;
begin
  Result := nil;
  SetLength(Result, wx_list_size(Outcome, Item, Field));
  for I := 0 to High(Result) do
  begin
    Place := Field + '/' + UTF8String(IntToStr(I));
    Result[I].Id := NumberOf(Outcome, Item, Place + '/id');
    Result[I].Status := NumberOf(Outcome, Item, Place + '/status');
    Result[I].Name := TextOf(Outcome, Item, Place + '/name');
  end;
end;

function ReadItem(Outcome: Pwx_result; Item: NativeUInt): TWxItem;
begin
  Result.StatusCode := NumberOf(Outcome, Item, 'status');
  case Result.StatusCode of
    WxMissing: Result.Status := lsMissing;
    WX_LINK_LINKED: Result.Status := lsLinked;
    WX_LINK_AWAITING_MINI_PROGRAM: Result.Status := lsAwaitingMiniProgram;
    WX_LINK_REFUSED: Result.Status := lsRefused;
    WX_LINK_AWAITING_OFFICIAL_ACCOUNT: Result.Status := lsAwaitingOfficialAccount;
  else
    Result.Status := lsOther;
  end;
  Result.Username := TextOf(Outcome, Item, 'username');
  Result.Appid := TextOf(Outcome, Item, 'appid');
  Result.Source := TextOf(Outcome, Item, 'source');
  Result.Nickname := TextOf(Outcome, Item, 'nickname');
  Result.Selected := NumberOf(Outcome, Item, 'selected');
  Result.NearbyDisplayStatus := NumberOf(Outcome, Item, 'nearby_display_status');
  Result.Released := NumberOf(Outcome, Item, 'released');
  Result.HeadimgUrl := TextOf(Outcome, Item, 'headimg_url');
  Result.CopyVerifyStatus := NumberOf(Outcome, Item, 'copy_verify_status');
  Result.Email := TextOf(Outcome, Item, 'email');
  Result.FuncInfos := ReadFuncInfos(Outcome, Item);
end;

function ReadItems(Outcome: Pwx_result): TWxItems;
var
  I: Integer;
begin
  Result := nil;
  SetLength(Result, wx_list_length(Outcome));
  for I := 0 to High(Result) do
    Result[I] := ReadItem(Outcome, I);
end;

function StateOf(const Name: UTF8String): TWxState;
const
  Names: array[TWxState] of UTF8String =
    ('unknown', 'absent', 'pending', 'linked', 'declined', 'vanished', 'in_doubt');
var
  S: TWxState;
begin
  Result := wsUnknown;
  for S := Low(TWxState) to High(TWxState) do
    if Names[S] = Name then
      Result := S;
end;

function ReadProgress(Status: Integer; Outcome: Pwx_result): TWxProgress;
var
  WaitsFor: UTF8String;
begin
  Result.CallResult := ReadResult(Status, Outcome);
  case Status of
    WX_OK: Result.State := wsLinked;
    WX_E_PENDING: Result.State := wsPending;
    WX_E_DECLINED: Result.State := wsDeclined;
    WX_E_VANISHED: Result.State := wsVanished;
    WX_E_IN_DOUBT: Result.State := wsInDoubt;
  else
    Result.State := wsUnknown;
  end;
  WaitsFor := TextAt(Outcome, '/waits_for');
  if WaitsFor = 'official_account' then
    Result.WaitsFor := wfOfficialAccount
  else if WaitsFor = 'mini_program' then
    Result.WaitsFor := wfMiniProgram
  else
    Result.WaitsFor := wfNone;
  Result.Found := StateOf(TextAt(Outcome, '/found'));
  Result.Posts := StrToIntDef(string(TextAt(Outcome, '/posts')), 0);
  Result.RetryAfterMs := StrToIntDef(string(TextAt(Outcome, '/retry_after_ms')), 0);
  { A list of one item, or of none if WeChat's list did not show it. }
  Result.HasItem := wx_list_length(Outcome) > 0;
  Result.Item := ReadItem(Outcome, 0);
end;

{ Reads and frees the result of a call. Raises EWxError if the call failed. }
function TakeResult(Status: Integer; Outcome: Pwx_result): TWxResult;
begin
  try
    Result := ReadResult(Status, Outcome);
  finally
    wx_result_free(Outcome);
  end;
  if Status <> WX_OK then
    raise EWxError.Create(Result);
end;

function TakeList(Status: Integer; Outcome: Pwx_result): TWxList;
begin
  try
    Result.CallResult := ReadResult(Status, Outcome);
    Result.Items := ReadItems(Outcome);
  finally
    wx_result_free(Outcome);
  end;
  if Status <> WX_OK then
    raise EWxError.Create(Result.CallResult);
end;

function TakeProgress(Status: Integer; Outcome: Pwx_result): TWxProgress;
var
  Failure: EWxError;
begin
  try
    Result := ReadProgress(Status, Outcome);
  finally
    wx_result_free(Outcome);
  end;
  if Result.State = wsUnknown then
  begin
    Failure := EWxError.Create(Result.CallResult);
    Failure.FProgress := Result;
    raise Failure;
  end;
end;

{ EWxError }

constructor EWxError.Create(const CallResult: TWxResult);
begin
  inherited Create(string(CallResult.Message));
  FCallResult := CallResult;
end;

function EWxError.GetStatusName: string;
begin
  Result := string(WxStatusText(FCallResult.Status));
  Result := Copy(Result, 1, Pos(':', Result) - 1);
end;

{ TWxOptions }

constructor TWxOptions.Create;
begin
  inherited Create;
  FHandle := wx_options_new;
end;

destructor TWxOptions.Destroy;
begin
  wx_options_free(FHandle);
  inherited Destroy;
end;

procedure TWxOptions.SetValue(const Key, Value: UTF8String);
var
  Status: Integer;
begin
  Status := wx_options_set(FHandle, CText(Key), CText(Value));
  if Status <> WX_OK then
    raise EWxError.Create(NotSentResult(Status, Utf8(wx_options_message(FHandle))));
end;

procedure TWxOptions.SetText(Index: Integer; const Value: UTF8String);
begin
  SetValue(WxOptionKeys[Index], Value);
end;

procedure TWxOptions.SetNumber(Index: Integer; const Value: Int64);
begin
  SetValue(WxOptionKeys[Index], UTF8String(IntToStr(Value)));
end;

procedure TWxOptions.SetFlag(Index: Integer; const Value: Boolean);
const
  Words: array[Boolean] of UTF8String = ('no', 'yes');
begin
  SetValue(WxOptionKeys[Index], Words[Value]);
end;

procedure TWxOptions.SetTrust(Index: Integer; Value: TWxTrust);
begin
  SetValue(WxOptionKeys[Index], WxTrustNames[Value]);
end;

procedure TWxOptions.SetLang(Index: Integer; Value: TWxLang);
begin
  SetValue(WxOptionKeys[Index], WxLangNames[Value]);
end;

{ TWxClient }

function HandleOf(Options: TWxOptions): Pwx_options;
begin
  if Options = nil then
    Result := nil
  else
    Result := Options.FHandle;
end;

procedure CheckMade(Status: Integer; Options: TWxOptions);
var
  Message: UTF8String;
begin
  if Status = WX_OK then
    Exit;
  Message := Utf8(wx_options_message(HandleOf(Options)));
  if Message = '' then
    Message := WxStatusText(Status);
  raise EWxError.Create(NotSentResult(Status, Message));
end;

constructor TWxClient.Create(Options: TWxOptions);
begin
  inherited Create;
  CheckMade(wx_client_new(HandleOf(Options), FHandle), Options);
end;

constructor TWxClient.CreateDerived(Client: TWxClient; Options: TWxOptions);
begin
  inherited Create;
  CheckMade(wx_client_derive(Client.FHandle, HandleOf(Options), FHandle), Options);
end;

destructor TWxClient.Destroy;
begin
  wx_client_free(FHandle);
  inherited Destroy;
end;

procedure TWxClient.SetTicket(const Ticket: UTF8String);
var
  Masked: IInterface;
  Status: Integer;
  Outcome: Pwx_result;
begin
  Masked := TMaskedFpu.Create;
  Status := wx_client_set_ticket(FHandle, CText(Ticket), Outcome);
  TakeResult(Status, Outcome);
end;

procedure TWxClient.AddAccount(const Appid, RefreshToken: UTF8String);
var
  Masked: IInterface;
  Status: Integer;
  Outcome: Pwx_result;
begin
  Masked := TMaskedFpu.Create;
  Status := wx_client_add_account(FHandle, CText(Appid), CText(RefreshToken), Outcome);
  TakeResult(Status, Outcome);
end;

function TWxClient.AcceptPush(const Query: UTF8String; const Body: RawByteString): TWxResult;
var
  Masked: IInterface;
  Status: Integer;
  Outcome: Pwx_result;
begin
  Masked := TMaskedFpu.Create;
  Status := wx_client_accept_push(FHandle, CText(Query), PAnsiChar(Body), Length(Body), Outcome);
  Result := TakeResult(Status, Outcome);
end;

function TWxClient.AuthorizationUrl(const RedirectUri, Account: UTF8String): TWxResult;
var
  Masked: IInterface;
  Status: Integer;
  Outcome: Pwx_result;
  One: PAnsiChar;
begin
  Masked := TMaskedFpu.Create;
  One := nil;
  if Account <> '' then
    One := CText(Account);
  Status := wx_client_authorization_url(FHandle, CText(RedirectUri), One, Outcome);
  Result := TakeResult(Status, Outcome);
end;

function TWxClient.AcceptAuthorization(const Code: UTF8String): TWxResult;
var
  Masked: IInterface;
  Status: Integer;
  Outcome: Pwx_result;
begin
  Masked := TMaskedFpu.Create;
  Status := wx_client_accept_authorization(FHandle, CText(Code), Outcome);
  Result := TakeResult(Status, Outcome);
end;

function TWxClient.AccountInfo(const Appid: UTF8String): TWxResult;
var
  Masked: IInterface;
  Status: Integer;
  Outcome: Pwx_result;
begin
  Masked := TMaskedFpu.Create;
  Status := wx_client_account_info(FHandle, CText(Appid), Outcome);
  Result := TakeResult(Status, Outcome);
end;

function TWxClient.Stats: TWxResult;
var
  Masked: IInterface;
  Status: Integer;
  Outcome: Pwx_result;
begin
  Masked := TMaskedFpu.Create;
  Status := wx_client_stats(FHandle, Outcome);
  Result := TakeResult(Status, Outcome);
end;

procedure TWxClient.Cancel;
begin
  wx_client_cancel(FHandle);
end;

function TWxClient.LinkMiniprogram(const AccessToken, Appid: UTF8String;
  NotifyUsers: TWxNotifyUsers; ShowProfile: TWxShowProfile): TWxResult;
var
  Masked: IInterface;
  Status: Integer;
  Outcome: Pwx_result;
begin
  Masked := TMaskedFpu.Create;
  Status := wx_link_miniprogram(FHandle, CText(AccessToken), CText(Appid),
    Ord(NotifyUsers), Ord(ShowProfile), Outcome);
  Result := TakeResult(Status, Outcome);
end;

function TWxClient.GetLinked(const AccessToken: UTF8String): TWxList;
var
  Masked: IInterface;
  Status: Integer;
  Outcome: Pwx_result;
begin
  Masked := TMaskedFpu.Create;
  Status := wx_get_linked(FHandle, CText(AccessToken), Outcome);
  Result := TakeList(Status, Outcome);
end;

function TWxClient.UnlinkMiniprogram(const AccessToken, Appid: UTF8String): TWxResult;
var
  Masked: IInterface;
  Status: Integer;
  Outcome: Pwx_result;
begin
  Masked := TMaskedFpu.Create;
  Status := wx_unlink_miniprogram(FHandle, CText(AccessToken), CText(Appid), Outcome);
  Result := TakeResult(Status, Outcome);
end;

function TWxClient.EnsureLinked(const AccessToken, Appid: UTF8String;
  NotifyUsers: TWxNotifyUsers; ShowProfile: TWxShowProfile; WaitMs: Cardinal): TWxProgress;
var
  Masked: IInterface;
  Status: Integer;
  Outcome: Pwx_result;
begin
  Masked := TMaskedFpu.Create;
  Status := wx_ensure_linked(FHandle, CText(AccessToken), CText(Appid),
    Ord(NotifyUsers), Ord(ShowProfile), WaitMs, Outcome);
  Result := TakeProgress(Status, Outcome);
end;

function TWxClient.WaitLinked(const AccessToken, AppidOrGhId: UTF8String;
  WaitMs: Cardinal): TWxProgress;
var
  Masked: IInterface;
  Status: Integer;
  Outcome: Pwx_result;
begin
  Masked := TMaskedFpu.Create;
  Status := wx_wait_linked(FHandle, CText(AccessToken), CText(AppidOrGhId), WaitMs, Outcome);
  Result := TakeProgress(Status, Outcome);
end;

{ Versions and errcodes }

function WxVersion: UTF8String;
begin
  Result := Utf8(wx_version);
end;

function WxStatusText(Status: Integer): UTF8String;
begin
  Result := Utf8(wx_status_text(Status));
end;

function WxErrcodeText(Endpoint: TWxEndpoint; Errcode: Integer; Field: TWxErrcodeField;
  Lang: TWxLang): UTF8String;
const
  Fields: array[TWxErrcodeField] of UTF8String = ('name', 'class', 'meaning', 'remedy', 'errmsg');
var
  Name: PAnsiChar;
begin
  if Endpoint = epAny then
    Name := nil
  else
    Name := PAnsiChar(WxEndpointNames[Endpoint]);
  Result := Utf8(wx_errcode_text(Name, Errcode, PAnsiChar(Fields[Field]),
    PAnsiChar(WxLangNames[Lang])));
end;

function WxErrcodesJson: UTF8String;
begin
  Result := Utf8(wx_catalogue_json);
end;

end.

{ Makes the calls of the shared test vectors: one request per line on stdin, one reply per line on
  stdout. tests/conformance.rs describes the lines. }
program conform;

{$MODE DELPHI}
{$H+}

uses
  SysUtils, wxlink;

type
  TField = record
    Key, Value: UTF8String;
  end;

var
  Verb: UTF8String;
  Fields: array of TField;
  Reply: UTF8String;

{ Replaces every %XX by its byte. }
function Decoded(const Text: UTF8String): UTF8String;
var
  From, Len: Integer;
begin
  SetLength(Result, Length(Text));
  From := 1;
  Len := 0;
  while From <= Length(Text) do
  begin
    Inc(Len);
    Result[Len] := Text[From];
    if Text[From] = '%' then
    begin
      Result[Len] := AnsiChar(StrToInt('$' + string(Copy(Text, From + 1, 2))));
      Inc(From, 2);
    end;
    Inc(From);
  end;
  SetLength(Result, Len);
end;

{ Removes the first field of a line and returns it. }
function Split(var Line: UTF8String; Separator: AnsiChar): UTF8String;
var
  Place: Integer;
begin
  Place := Pos(Separator, Line);
  if Place = 0 then
    Place := Length(Line) + 1;
  Result := Copy(Line, 1, Place - 1);
  Delete(Line, 1, Place);
end;

procedure ReadRequest;
var
  Line, Field: UTF8String;
begin
  ReadLn(Line);
  Verb := Split(Line, #9);
  Fields := nil;
  while Line <> '' do
  begin
    Field := Split(Line, #9);
    SetLength(Fields, Length(Fields) + 1);
    Fields[High(Fields)].Key := Split(Field, '=');
    Fields[High(Fields)].Value := Decoded(Field);
  end;
end;

function Given(const Key: UTF8String): UTF8String;
var
  I: Integer;
begin
  Result := '';
  for I := 0 to High(Fields) do
    if Fields[I].Key = Key then
      Result := Fields[I].Value;
end;

procedure Put(const Key, Value: UTF8String);
var
  I: Integer;
begin
  if Reply <> '' then
    Reply := Reply + #9;
  Reply := Reply + Key + '=';
  for I := 1 to Length(Value) do
    if Value[I] in [' '..'$', '&'..'~'] then
      Reply := Reply + Value[I]
    else
      Reply := Reply + '%' + UTF8String(IntToHex(Ord(Value[I]), 2));
end;

{ A missing field is left out. }
procedure PutText(const Key, Value: UTF8String);
begin
  if Value <> '' then
    Put(Key, Value);
end;

procedure PutNumber(const Key: UTF8String; Value: Int64);
begin
  if Value <> WxMissing then
    Put(Key, UTF8String(IntToStr(Value)));
end;

procedure PutItem(const Place: UTF8String; const Item: TWxItem);
var
  Info: UTF8String;
  I: Integer;
begin
  PutNumber(Place + 'status', Item.StatusCode);
  PutText(Place + 'username', Item.Username);
  PutText(Place + 'appid', Item.Appid);
  PutText(Place + 'source', Item.Source);
  PutText(Place + 'nickname', Item.Nickname);
  PutNumber(Place + 'selected', Item.Selected);
  PutNumber(Place + 'nearby_display_status', Item.NearbyDisplayStatus);
  PutNumber(Place + 'released', Item.Released);
  PutText(Place + 'headimg_url', Item.HeadimgUrl);
  PutNumber(Place + 'copy_verify_status', Item.CopyVerifyStatus);
  PutText(Place + 'email', Item.Email);
  PutNumber(Place + 'func_infos', Length(Item.FuncInfos));
  for I := 0 to High(Item.FuncInfos) do
  begin
    Info := Place + 'func_infos.' + UTF8String(IntToStr(I)) + '.';
    PutNumber(Info + 'id', Item.FuncInfos[I].Id);
    PutNumber(Info + 'status', Item.FuncInfos[I].Status);
    PutText(Info + 'name', Item.FuncInfos[I].Name);
  end;
end;

procedure PutList(const List: TWxList);
var
  I: Integer;
begin
  PutNumber('items', Length(List.Items));
  for I := 0 to High(List.Items) do
    PutItem('item.' + UTF8String(IntToStr(I)) + '.', List.Items[I]);
end;

procedure PutResult(const CallResult: TWxResult);
const
  Deliveries: array[TWxDelivery] of UTF8String = ('never sent', 'unknown', 'answered');
var
  Name: UTF8String;
begin
  Name := WxStatusText(CallResult.Status);
  Put('status', Split(Name, ':'));
  if (CallResult.Status = WX_OK) or (CallResult.Status = WX_E_API) then
    PutNumber('errcode', CallResult.Errcode);
  Put('class', WxClassNames[CallResult.ErrorClass]);
  Put('delivery', Deliveries[CallResult.Delivery]);
  PutNumber('http_status', CallResult.HttpStatus);
  Put('rid', CallResult.Rid);
  Put('message', CallResult.Message);
  Put('body', CallResult.Json);
end;

procedure PutState(const Progress: TWxProgress);
const
  States: array[TWxState] of UTF8String =
    ('unknown', 'absent', 'pending', 'linked', 'declined', 'vanished', 'in_doubt');
  WaitsFor: array[TWxWaitsFor] of UTF8String = ('', 'official_account', 'mini_program');
begin
  Put('state', States[Progress.State]);
  Put('waits_for', WaitsFor[Progress.WaitsFor]);
  PutNumber('posts', Progress.Posts);
end;

procedure PutProgress(const Progress: TWxProgress);
begin
  PutResult(Progress.CallResult);
  PutState(Progress);
end;

procedure Call(Client: TWxClient);
var
  Token, Appid: UTF8String;
  List: TWxList;
  NotifyUsers: TWxNotifyUsers;
  ShowProfile: TWxShowProfile;
  WaitMs: Cardinal;
begin
  Token := Given('access_token');
  Appid := Given('appid');
  NotifyUsers := TWxNotifyUsers(StrToIntDef(string(Given('notify_users')), 0));
  ShowProfile := TWxShowProfile(StrToIntDef(string(Given('show_profile')), 0));
  WaitMs := StrToIntDef(string(Given('wait_ms')), 0);
  if Verb = 'link' then
    PutResult(Client.LinkMiniprogram(Token, Appid, NotifyUsers, ShowProfile))
  else if Verb = 'get' then
  begin
    List := Client.GetLinked(Token);
    PutResult(List.CallResult);
    PutList(List);
  end
  else if Verb = 'unlink' then
    PutResult(Client.UnlinkMiniprogram(Token, Appid))
  else if Verb = 'ensure' then
    PutProgress(Client.EnsureLinked(Token, Appid, NotifyUsers, ShowProfile, WaitMs))
  else if Verb = 'wait' then
    PutProgress(Client.WaitLinked(Token, Appid, WaitMs))
  else if Verb = 'push' then
    PutResult(Client.AcceptPush(Given('query'), Given('body')))
  else
    raise Exception.Create('unknown verb: ' + string(Verb));
end;

procedure CallWithOptions;
const
  Prefix = 'option.';
var
  Options: TWxOptions;
  Client: TWxClient;
  I: Integer;
begin
  Client := nil;
  Options := TWxOptions.Create;
  try
    for I := 0 to High(Fields) do
      if Pos(Prefix, Fields[I].Key) = 1 then
        Options[Copy(Fields[I].Key, Length(Prefix) + 1, MaxInt)] := Fields[I].Value;
    Client := TWxClient.Create(Options);
    Call(Client);
  finally
    Client.Free;
    Options.Free;
  end;
end;

procedure SetOption;
var
  Options: TWxOptions;
begin
  Options := TWxOptions.Create;
  try
    Options[Given('key')] := Given('value');
    Put('status', 'OK');
    Put('message', '');
  finally
    Options.Free;
  end;
end;

procedure Explain;
var
  Endpoint, E: TWxEndpoint;

  function Text(Field: TWxErrcodeField): UTF8String;
  begin
    Result := WxErrcodeText(Endpoint, StrToInt(string(Given('errcode'))), Field);
  end;

begin
  Endpoint := epAny;
  for E := Low(TWxEndpoint) to High(TWxEndpoint) do
    if WxEndpointNames[E] = Given('endpoint') then
      Endpoint := E;
  if Text(efName) <> '' then
    Put('status', 'OK')
  else
    Put('status', 'NOT_FOUND');
  Put('name', Text(efName));
  Put('class', Text(efClass));
  Put('meaning', Text(efMeaning));
  Put('remedy', Text(efRemedy));
end;

procedure Answer;
begin
  try
    if Verb = 'option' then
      SetOption
    else if Verb = 'errcodes' then
      Explain
    else
      CallWithOptions;
  except
    on E: EWxError do
    begin
      PutResult(E.CallResult);
      PutState(E.Progress);
    end;
  end;
end;

begin
  SetTextCodePage(Input, 65001);
  SetTextCodePage(Output, 65001);
  while not Eof do
  begin
    ReadRequest;
    Reply := '';
    Answer;
    WriteLn(Reply);
    Flush(Output);
  end;
end.

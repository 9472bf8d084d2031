using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;

namespace Wxlink
{
    /// <summary>
    /// The list that <see cref="WxClient.GetLinked"/> returns, in WeChat's order.
    /// </summary>
    [Serializable]
    public sealed class MiniProgramList : WxResult
    {
        private readonly ReadOnlyCollection<MiniProgram> items;

        private MiniProgramList(Status status, ResultHandle result)
            : base(status, result)
        {
            items = MiniProgram.ReadAll(result);
        }

        /// <summary>
        /// The mini programs that are linked to the Official Account, and the pending and refused
        /// invitations. Empty if the list could not be read.
        /// </summary>
        public IReadOnlyList<MiniProgram> Items
        {
            get { return items; }
        }

        /// <summary>
        /// The first item with that appid or original id (gh_...); null if there is none.
        /// </summary>
        public MiniProgram Find(string appidOrGhId)
        {
            foreach (MiniProgram item in items)
            {
                if (appidOrGhId != null
                    && (item.Appid == appidOrGhId || item.Username == appidOrGhId))
                {
                    return item;
                }
            }
            return null;
        }

        internal static new MiniProgramList Read(Status status, ResultHandle result)
        {
            return new MiniProgramList(status, result);
        }
    }

    /// <summary>
    /// One item of the list. Every field may be missing and is then null. WeChat may send a number
    /// as text. A number beyond the range of a long is missing; <see cref="Json"/> has its digits.
    /// </summary>
    [Serializable]
    public sealed class MiniProgram
    {
        private MiniProgram(ResultHandle result, int index)
        {
            var item = new ItemReader(result, index);
            Json = item.Json;
            Status = (LinkStatus?)item.Number("status");
            Username = item.Id("username");
            Appid = item.Id("appid");
            Source = item.Text("source");
            Nickname = item.Text("nickname");
            Selected = item.Number("selected");
            NearbyDisplayStatus = item.Number("nearby_display_status");
            Released = item.Number("released");
            HeadimgUrl = item.Text("headimg_url");
            CopyVerifyStatus = item.Number("copy_verify_status");
            Email = item.Text("email");
            var infos = new FuncInfo[item.Size("func_infos")];
            for (int i = 0; i < infos.Length; i++)
            {
                infos[i] = new FuncInfo(item, "func_infos/" + ResultReader.Digits(i));
            }
            FuncInfos = Array.AsReadOnly(infos);
        }

        /// <summary>
        /// The item as JSON, with the fields that have no property. Every parser accepts it; U+FFFD
        /// replaces what cannot be read, such as a part of a character.
        /// </summary>
        public string Json { get; private set; }

        /// <summary>
        /// How far the link has come. WeChat may add numbers, which have no name.
        /// </summary>
        public LinkStatus? Status { get; private set; }

        /// <summary>The original id, gh_...</summary>
        public string Username { get; private set; }

        /// <summary>The appid; refused items have none.</summary>
        public string Appid { get; private set; }

        /// <summary>Seen as SOURCE_NORMAL; WeChat does not document it.</summary>
        public string Source { get; private set; }

        /// <summary>The display name.</summary>
        public string Nickname { get; private set; }

        /// <summary>1: shown on the Official Account's page.</summary>
        public long? Selected { get; private set; }

        /// <summary>1: shown in "nearby mini programs", which forbids unlinking.</summary>
        public long? NearbyDisplayStatus { get; private set; }

        /// <summary>1: published.</summary>
        public long? Released { get; private set; }

        /// <summary>The URL of the picture.</summary>
        public string HeadimgUrl { get; private set; }

        /// <summary>Seen as 1; WeChat does not document it.</summary>
        public long? CopyVerifyStatus { get; private set; }

        /// <summary>The mini program's mail address.</summary>
        public string Email { get; private set; }

        /// <summary>
        /// WeChat verification (id 1), WeChat Pay (id 2) and others. Empty if missing.
        /// </summary>
        public IReadOnlyList<FuncInfo> FuncInfos { get; private set; }

        /// <summary>Copies the items of a native result.</summary>
        internal static ReadOnlyCollection<MiniProgram> ReadAll(ResultHandle result)
        {
            var items = new MiniProgram[
                checked((int)NativeMethods.wx_list_length(result).ToUInt64())];
            for (int i = 0; i < items.Length; i++)
            {
                items[i] = new MiniProgram(result, i);
            }
            return Array.AsReadOnly(items);
        }
    }

    /// <summary>A capability of a mini program. Every field may be missing.</summary>
    [Serializable]
    public sealed class FuncInfo
    {
        internal FuncInfo(ItemReader item, string path)
        {
            Id = item.Number(path + "/id");
            Status = item.Number(path + "/status");
            Name = item.Text(path + "/name");
        }

        /// <summary>1: WeChat verification. 2: WeChat Pay.</summary>
        public long? Id { get; private set; }

        /// <summary>0: closed. 1: open.</summary>
        public long? Status { get; private set; }

        /// <summary>The name, in Chinese.</summary>
        public string Name { get; private set; }
    }

    /// <summary>Reads the fields of an item of a native result.</summary>
    internal struct ItemReader
    {
        private readonly ResultHandle result;
        private readonly UIntPtr index;

        internal ItemReader(ResultHandle result, int index)
        {
            this.result = result;
            this.index = new UIntPtr((uint)index);
        }

        internal string Json
        {
            get { return TextOrEmpty(Utf8.FromText("field", "")); }
        }

        /// <summary>A field as text; null if it is missing or null.</summary>
        internal string Text(string field)
        {
            byte[] name = Utf8.FromText("field", field);
            string text = TextOrEmpty(name);
            bool isThere =
                text.Length > 0 || NativeMethods.wx_list_has(result, index, name) != 0;
            return isThere ? text : null;
        }

        /// <summary>A text that is null also if it is empty: it identifies nothing.</summary>
        internal string Id(string field)
        {
            string text = Text(field);
            return string.IsNullOrEmpty(text) ? null : text;
        }

        internal long? Number(string field)
        {
            return ResultReader.Number(Text(field));
        }

        internal int Size(string field)
        {
            byte[] name = Utf8.FromText("field", field);
            return checked((int)NativeMethods.wx_list_size(result, index, name).ToUInt64());
        }

        private string TextOrEmpty(byte[] field)
        {
            return Utf8.ToText(NativeMethods.wx_list_text(result, index, field));
        }
    }
}

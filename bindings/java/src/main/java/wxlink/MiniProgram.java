package wxlink;

import static wxlink.Lib.LIB;

import com.sun.jna.Pointer;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * One item of the list. Every field may be missing, and WeChat may send a number as text. A number
 * beyond the range of a long is missing; {@link #json} has its digits.
 *
 * <p>Immutable: any number of threads may read it.
 */
public final class MiniProgram implements Serializable {
    private static final long serialVersionUID = 1;

    private static final String[] FIELDS = {
        "status", "username", "appid", "source", "nickname", "selected", "nearby_display_status",
        "released", "headimg_url", "copy_verify_status", "email",
    };

    private final String json;
    private final HashMap<String, String> fields = new HashMap<>();
    private final ArrayList<FuncInfo> funcInfos = new ArrayList<>();

    /** Copies an item of a native result's list. */
    MiniProgram(Pointer result, int index) {
        Lib.SizeT item = new Lib.SizeT(index);
        json = LIB.wx_list_text(result, item, "");
        for (String name : FIELDS) {
            fields.put(name, text(result, item, name));
        }
        int count = LIB.wx_list_size(result, item, "func_infos").intValue();
        for (int i = 0; i < count; i++) {
            funcInfos.add(new FuncInfo(result, item, "func_infos/" + i));
        }
    }

    /** A field as text; null if the field is missing or null. */
    private static String text(Pointer result, Lib.SizeT item, String field) {
        String text = LIB.wx_list_text(result, item, field);
        return text.isEmpty() && LIB.wx_list_has(result, item, field) == 0 ? null : text;
    }

    /** Parses a whole decimal number; empty for anything else. */
    static OptionalLong number(String text) {
        try {
            return OptionalLong.of(Long.parseLong(text));
        } catch (NumberFormatException e) {
            return OptionalLong.empty();
        }
    }

    /**
     * The item as JSON, with the fields that have no accessor. Every parser accepts it; U+FFFD
     * replaces what cannot be read, such as a part of a character.
     */
    public String json() {
        return json;
    }

    /** How far the link has come, as WeChat's number: see {@link #linkStatus}. */
    public OptionalLong status() {
        return asNumber("status");
    }

    /** How far the link has come; {@link LinkStatus#OTHER} also if the status is missing. */
    public LinkStatus linkStatus() {
        return LinkStatus.fromCode(status().orElse(LinkStatus.OTHER.code()));
    }

    /** The original id, {@code gh_...}. */
    public Optional<String> username() {
        return id("username");
    }

    /** The appid; refused items have none. */
    public Optional<String> appid() {
        return id("appid");
    }

    /** Seen as {@code SOURCE_NORMAL}; WeChat does not document it. */
    public Optional<String> source() {
        return text("source");
    }

    /** The display name. */
    public Optional<String> nickname() {
        return text("nickname");
    }

    /** 1: shown in the Official Account's page. */
    public OptionalLong selected() {
        return asNumber("selected");
    }

    /** 1: shown in "nearby mini programs", which forbids unlinking. */
    public OptionalLong nearbyDisplayStatus() {
        return asNumber("nearby_display_status");
    }

    /** 1: published. */
    public OptionalLong released() {
        return asNumber("released");
    }

    /** The picture's URL. */
    public Optional<String> headimgUrl() {
        return text("headimg_url");
    }

    /** Seen as 1; WeChat does not document it. */
    public OptionalLong copyVerifyStatus() {
        return asNumber("copy_verify_status");
    }

    /** The mini program's mail address. */
    public Optional<String> email() {
        return text("email");
    }

    /** WeChat verification (id 1), WeChat Pay (id 2) and others. Cannot be changed. */
    public List<FuncInfo> funcInfos() {
        return Collections.unmodifiableList(funcInfos);
    }

    private Optional<String> text(String name) {
        return Optional.ofNullable(fields.get(name));
    }

    /** An empty id identifies nothing. */
    private Optional<String> id(String name) {
        return text(name).filter(id -> !id.isEmpty());
    }

    private OptionalLong asNumber(String name) {
        return number(fields.get(name));
    }

    /** A capability of a mini program. */
    public static final class FuncInfo implements Serializable {
        private static final long serialVersionUID = 1;

        private final String id;
        private final String status;
        private final String name;

        FuncInfo(Pointer result, Lib.SizeT item, String path) {
            id = text(result, item, path + "/id");
            status = text(result, item, path + "/status");
            name = text(result, item, path + "/name");
        }

        /** 1: WeChat verification. 2: WeChat Pay. */
        public OptionalLong id() {
            return number(id);
        }

        /** 0: closed. 1: open. */
        public OptionalLong status() {
            return number(status);
        }

        /** The name, in Chinese. */
        public Optional<String> name() {
            return Optional.ofNullable(name);
        }
    }
}

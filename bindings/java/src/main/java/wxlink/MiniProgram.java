package wxlink;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * One item of the list. Every field may be missing, and WeChat may send a number as text.
 *
 * <p>Immutable: any number of threads may read it.
 */
public final class MiniProgram implements Serializable {
    private static final long serialVersionUID = 1;

    private static final String[] FIELDS = {
        "status", "username", "appid", "source", "nickname", "selected", "nearby_display_status",
        "released", "headimg_url", "copy_verify_status", "email",
    };

    /**
     * The name in WeChat's answers first, then the names that WeChat's documentation has printed.
     */
    private static final String[] FUNC_INFOS = {"func_infos", "func_info", "func_News"};

    private final String json;
    private final HashMap<String, String> fields = new HashMap<>();
    private final ArrayList<FuncInfo> funcInfos = new ArrayList<>();

    /** Reads the item at a JSON pointer. */
    MiniProgram(Json values, String pointer) {
        json = values.text(pointer).orElse("");
        for (String name : FIELDS) {
            values.text(pointer + "/" + name)
                    .filter(value -> !isNull(name, value))
                    .ifPresent(value -> fields.put(name, value));
        }
        for (String name : FUNC_INFOS) {
            String list = pointer + "/" + name;
            for (int i = 0; funcInfos.size() == i && values.has(list + "/" + i); i++) {
                funcInfos.add(new FuncInfo(values, list + "/" + i));
            }
        }
    }

    /** The item as JSON, with the fields that have no accessor. */
    public String json() {
        return json;
    }

    /** How far the link has come, as WeChat's number: see {@link #linkStatus}. */
    public OptionalLong status() {
        return number("status");
    }

    /** How far the link has come; {@link LinkStatus#OTHER} also if the status is missing. */
    public LinkStatus linkStatus() {
        return LinkStatus.fromCode(status().orElse(LinkStatus.OTHER.code()));
    }

    /** The original id, {@code gh_...}. */
    public Optional<String> username() {
        return text("username");
    }

    /** The appid; refused items have none. */
    public Optional<String> appid() {
        return text("appid");
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
        return number("selected");
    }

    /** 1: shown in "nearby mini programs", which forbids unlinking. */
    public OptionalLong nearbyDisplayStatus() {
        return number("nearby_display_status");
    }

    /** 1: published. */
    public OptionalLong released() {
        return number("released");
    }

    /** The picture's URL. */
    public Optional<String> headimgUrl() {
        return text("headimg_url");
    }

    /** Seen as 1; WeChat does not document it. */
    public OptionalLong copyVerifyStatus() {
        return number("copy_verify_status");
    }

    /** The mini program's mail address. */
    public Optional<String> email() {
        return text("email");
    }

    /** WeChat verification (id 1), WeChat Pay (id 2) and others. Cannot be changed. */
    public List<FuncInfo> funcInfos() {
        return Collections.unmodifiableList(funcInfos);
    }

    /**
     * Distinguishes JSON's null from the text "null": the native library returns the same for both.
     * The search cannot match inside a text value, where the quotes would be escaped.
     */
    private boolean isNull(String name, String value) {
        return value.equals("null") && json.contains("\"" + name + "\":null");
    }

    private Optional<String> text(String name) {
        return Optional.ofNullable(fields.get(name));
    }

    private OptionalLong number(String name) {
        return Json.asNumber(text(name));
    }

    /** A capability of a mini program. */
    public static final class FuncInfo implements Serializable {
        private static final long serialVersionUID = 1;

        private final String id;
        private final String status;
        private final String name;

        FuncInfo(Json values, String pointer) {
            id = values.text(pointer + "/id").orElse(null);
            status = values.text(pointer + "/status").orElse(null);
            name = values.text(pointer + "/name").orElse(null);
        }

        /** 1: WeChat verification. 2: WeChat Pay. */
        public OptionalLong id() {
            return Json.asNumber(Optional.ofNullable(id));
        }

        /** 0: closed. 1: open. */
        public OptionalLong status() {
            return Json.asNumber(Optional.ofNullable(status));
        }

        /** The name, in Chinese. */
        public Optional<String> name() {
            return Optional.ofNullable(name);
        }
    }
}

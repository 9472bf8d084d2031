import com.google.gson.Gson;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import me.chanjar.weixin.open.api.WxOpenComponentService;
import me.chanjar.weixin.open.api.WxOpenMpService;
import me.chanjar.weixin.open.api.impl.WxOpenInMemoryConfigStorage;
import me.chanjar.weixin.open.api.impl.WxOpenServiceImpl;
import me.chanjar.weixin.open.bean.message.WxOpenXmlMessage;
import me.chanjar.weixin.open.bean.result.WxAmpLinkResult;
import me.chanjar.weixin.open.util.WxOpenCryptUtil;

/** The driver of WxJava: see "The drivers" in ../README.md. */
public final class Driver {
  private static final Gson GSON = new Gson();

  private final WxOpenInMemoryConfigStorage storage = new WxOpenInMemoryConfigStorage();
  private final WxOpenComponentService component;
  /** The account that authorised the platform. The SDK exchanges its code when it is pushed. */
  private volatile String account;

  private Driver() {
    storage.setComponentAppId(System.getenv("INTEROP_APPID"));
    storage.setComponentAppSecret(System.getenv("INTEROP_APPSECRET"));
    storage.setComponentToken(System.getenv("INTEROP_TOKEN"));
    storage.setComponentAesKey(System.getenv("INTEROP_AES_KEY"));
    URI proxy = URI.create(System.getenv("HTTPS_PROXY"));
    storage.setHttpProxyHost(proxy.getHost());
    storage.setHttpProxyPort(proxy.getPort());
    WxOpenServiceImpl service = new WxOpenServiceImpl();
    service.setWxOpenConfigStorage(storage);
    component = service.getWxOpenComponentService();
  }

  private String push(String document, Map<String, String> query) throws Exception {
    WxOpenXmlMessage message =
        WxOpenXmlMessage.fromEncryptedXml(
            document,
            storage,
            query.get("timestamp"),
            query.get("nonce"),
            query.get("msg_signature"));
    String answer = component.route(message);
    if (message.getInfoType().equals("authorized")
        && storage.getAuthorizerRefreshToken(message.getAuthorizerAppid()) != null) {
      account = message.getAuthorizerAppid();
    }
    return answer;
  }

  private Map<String, Object> command(String name, Map<?, ?> arguments) throws Exception {
    Map<String, Object> answer = new HashMap<>();
    switch (name) {
      case "platform_token":
        component.getComponentAccessToken(true);
        break;
      case "pre_auth_code":
        String url = component.getPreAuthUrl("http://localhost/");
        answer.put("code", query(URI.create(url).getRawQuery()).get("pre_auth_code"));
        break;
      case "query_auth":
        answer.put("account", account);
        break;
      case "refresh":
        component.getAuthorizerAccessToken(account, true);
        break;
      case "link":
        official().wxAmpLink((String) arguments.get("appid"), "0", "0");
        break;
      case "list":
        answer.put("links", links());
        break;
      case "unlink":
        official().wxAmpUnLink((String) arguments.get("appid"));
        break;
      case "encrypt":
        String message = (String) arguments.get("message");
        answer.put("document", new WxOpenCryptUtil(storage).encrypt(message));
        break;
      default:
        throw new IllegalArgumentException("unknown command " + name);
    }
    return answer;
  }

  private WxOpenMpService official() {
    return component.getWxMpServiceByAppid(account);
  }

  private List<Map<String, Object>> links() throws Exception {
    List<Map<String, Object>> links = new ArrayList<>();
    for (WxAmpLinkResult.Item item : official().getWxAmpLink().getWxOpen().getItems()) {
      Map<String, Object> link = new HashMap<>();
      link.put("appid", item.getAppid());
      link.put("status", item.getStatus());
      links.add(link);
    }
    return links;
  }

  private static Map<String, String> query(String text) {
    Map<String, String> parameters = new HashMap<>();
    for (String parameter : text.split("&")) {
      String[] parts = parameter.split("=", 2);
      parameters.put(parts[0], URLDecoder.decode(parts[1], StandardCharsets.UTF_8));
    }
    return parameters;
  }

  private void handle(HttpExchange exchange) throws IOException {
    String name = exchange.getRequestURI().getPath().substring(1);
    int status = 200;
    String answer;
    try {
      byte[] content = exchange.getRequestBody().readAllBytes();
      String body = new String(content, StandardCharsets.UTF_8);
      if (name.equals("push")) {
        answer = push(body, query(exchange.getRequestURI().getRawQuery()));
      } else {
        answer = GSON.toJson(command(name, GSON.fromJson(body, Map.class)));
      }
    } catch (Exception error) {
      error.printStackTrace();
      status = 500;
      answer = GSON.toJson(Map.of("error", error.toString()));
    }
    byte[] content = answer.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, content.length == 0 ? -1 : content.length);
    exchange.getResponseBody().write(content);
    exchange.close();
  }

  public static void main(String[] arguments) throws IOException {
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext("/", new Driver()::handle);
    server.setExecutor(Executors.newCachedThreadPool());
    server.start();
    System.out.println(server.getAddress().getPort());
  }
}

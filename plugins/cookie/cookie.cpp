#include "plugins/cookie/cookie.h"

namespace swage::plugins::cookie {

// RFC 7873 section 5.2.3 and 5.2.4; the option with a new cookie is in the response already.
Result<Outcome> Require::serve(const Query& query, Response& response, Next next) const {
  const bool is_to_ask_again = query.cookie == dns::Cookie::client || query.cookie == dns::Cookie::bad;
  if (!is_to_ask_again || query.transport != dns::Transport::udp) return next(query, response);
  refused_.add();
  response.rcode = dns::Rcode::badcookie;
  return Outcome::send;
}

namespace {

// What holds for the server as a whole is said once.
Result<> claim(Controller& controller) {
  CookieSettings& settings = controller.block().server->cookies;
  const config::Token& at = controller.occurrence();
  if (settings.at && (settings.at->file != at.file || settings.at->line != at.line)) {
    return controller.fail("{}:{} says it already, for the server as a whole", settings.at->file, settings.at->line);
  }
  settings.at = at;
  return {};
}

}  // namespace

Result<> setup(Controller& controller) {
  controller.once();
  CookieSettings& settings = controller.block().server->cookies;
  if (controller.has_arg()) {
    TRY(const std::string_view word, controller.one_of({"off"}));
    static_cast<void>(word);
    TRY(claim(controller));
    settings.off = true;
    settings.files.clear();
    return {};
  }
  bool requires_cookies = false;
  std::vector<std::string> files;
  TRY(controller.read_block({
      {"secret",
       [&]() -> Result<> {
         do {
           TRY(std::string path, controller.expect_path("the path of a file of secrets"));
           files.push_back(std::move(path));
         } while (controller.has_arg());
         return {};
       }},
      {"require",
       [&]() -> Result<> {
         requires_cookies = true;
         return {};
       }},
  }));
  if (!files.empty()) {
    TRY(claim(controller));
    settings.files = std::move(files);
  }
  if (requires_cookies) {
    controller.add(std::make_unique<const Require>(controller.metrics().counter(
        "swage_cookies_required_total", "Queries answered BADCOOKIE: who knows cookies asks again with a good one.")));
  }
  return {};
}

}  // namespace swage::plugins::cookie

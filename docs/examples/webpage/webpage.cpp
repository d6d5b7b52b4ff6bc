// webpage: an HTTP path with a text. In the service process.
#include "core/plugin/http_endpoint.h"
#include "core/plugin/plugin.h"

namespace swage::plugins::webpage {
namespace {

class WebPage : public Service {
 public:
  WebPage(std::vector<Endpoint> endpoints, std::string text)
      : endpoint_(std::move(endpoints), "/hello",
                  [text = std::move(text)] { return text_response(200, text + "\n"); }) {}

  async::Task<Result<>> run(Host& host) override { return endpoint_.run(host); }

 private:
  HttpEndpoint endpoint_;
};

}  // namespace

// webpage [ADDRESS] { text TEXT }
Result<> setup(Controller& controller) {
  std::string text = "hello";
  controller.once();
  TRY(std::vector<Endpoint> endpoints, read_http_address(controller, "localhost:8053"));
  TRY(controller.read_block({{"text", [&] { return assign(text, controller.expect_arg("a text")); }}}));
  if (!endpoints.empty()) controller.add(std::make_unique<WebPage>(std::move(endpoints), std::move(text)));
  return {};
}

}  // namespace swage::plugins::webpage

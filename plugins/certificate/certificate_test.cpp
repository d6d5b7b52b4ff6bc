#include "plugins/certificate/certificate.h"

#include <array>

#include <fmt/format.h>

#include "tests/support/plugin_harness.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::plugins::certificate {
namespace {

using tests::PluginHarness;

Result<> setup_acme_txt(Controller& controller) {
  controller.once();
  return {};
}

constexpr std::array kPlugins = {PluginType{"acme-txt", &setup_acme_txt}, PluginType{"certificate", &setup}};

std::string setup_error(std::string_view lines, std::string_view store = "acme-txt") {
  return PluginHarness::setup_error(kPlugins, fmt::format("example.org {{\n{}\n{}\n}}\n", store, lines));
}

}  // namespace

TEST_CASE("certificate: setup") {
  CHECK(setup_error("certificate www.example.org").empty());
  CHECK(setup_error("certificate Example.org. *.example.org {\nmode 0640\nacme {\nstate /var/lib/swage\n}\n}").empty());
  CHECK(setup_error("certificate www.example.org\ncertificate mail.example.org").empty());
  CHECK(setup_error("certificate") == "Corefile:3: certificate: expected a name after 'certificate'");
  CHECK(setup_error("certificate a_b.example.org") ==
        "Corefile:3: certificate: 'a_b.example.org' is not a valid name; expected one such as www.example.org or "
        "*.example.org");
  CHECK(setup_error("certificate example.org Example.org") == "Corefile:3: certificate: example.org stands twice");
  CHECK(setup_error("certificate www.example.com") ==
        "Corefile:3: certificate: www.example.com is in no zone of this server block, so the CA's challenge for it "
        "cannot be answered here");
  CHECK(setup_error("certificate www.example.org", "") ==
        "Corefile:3: certificate: the CA's challenge is answered by 'acme-txt', which is not in this server block");
  CHECK(setup_error("certificate www.example.org {\nmode 0666\n}") ==
        "Corefile:4: certificate: mode: expected '0600', '0640' or '0644', not '0666'");
  CHECK(setup_error("certificate www.example.org {\ndirectory x\n}") ==
        "Corefile:4: certificate: unknown property 'directory'; expected mode, acme");
}

}  // namespace swage::plugins::certificate

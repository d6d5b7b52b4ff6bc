// Reads the directive.
#include <optional>

#include "core/log.h"
#include "plugins/rrl/rrl.h"

namespace swage::plugins::rrl {
namespace {

constexpr std::uint32_t kMostRate = 1'000'000, kMostWindow = 3600;
constexpr std::size_t kMostAccounts = 10'000'000;

struct Written {
  Settings settings;
  std::array<std::optional<std::uint32_t>, kClasses> rates;
  std::vector<Prefix> exempt;
};

Result<> read_block(Controller& controller, Written& written) {
  Settings& settings = written.settings;
  const auto rate = [&](Class counts_as) {
    return [&controller, &written, counts_as]() -> Result<> {
      TRY(written.rates[static_cast<std::size_t>(counts_as)], controller.expect_number<std::uint32_t>(0, kMostRate));
      return {};
    };
  };
  const auto number = [&controller](auto& to, auto least, auto most) {
    return [&controller, &to, least, most] { return assign(to, controller.expect_number(least, most)); };
  };
  return controller.read_block({
      {"window", number(settings.window, std::uint32_t{1}, kMostWindow)},
      {"ipv4-prefix-length", number(settings.v4_bits, std::uint8_t{1}, std::uint8_t{32})},
      {"ipv6-prefix-length", number(settings.v6_bits, std::uint8_t{1}, std::uint8_t{128})},
      {"responses-per-second", rate(Class::response)},
      {"nodata-per-second", rate(Class::nodata)},
      {"nxdomains-per-second", rate(Class::nxdomain)},
      {"referrals-per-second", rate(Class::referral)},
      {"errors-per-second", rate(Class::error)},
      {"requests-per-second", rate(Class::request)},
      {"slip-ratio", number(settings.slip, std::uint32_t{0}, std::uint32_t{1000})},
      {"max-table-size", number(settings.accounts, std::size_t{4}, kMostAccounts)},
      {"large-answers-per-second", number(controller.block().large_answers, std::uint32_t{0}, kMostRate)},
      {"report-only",
       [&]() -> Result<> {
         settings.report_only = true;
         return {};
       }},
      {"exempt",
       [&]() -> Result<> {
         do {
           TRY(const Prefix prefix, controller.expect_prefix());
           written.exempt.push_back(prefix);
         } while (controller.has_arg());
         return {};
       }},
  });
}

}  // namespace

Result<> setup(Controller& controller) {
  controller.once();
  const config::Token at = controller.token();
  const std::vector<std::string> words = controller.remaining_args();
  if (words.size() == 1 && words[0] == "off") {
    controller.block().large_answers = 0;
    return {};
  }
  Written written;
  Settings& settings = written.settings;
  for (const std::string& word : words) {
    const Result<dns::Name> zone = dns::Name::parse(word);
    if (!zone) return controller.fail("{}", zone.error().text());
    settings.zones.push_back(zone->lowercased());
  }
  if (settings.zones.empty()) settings.zones = controller.zones();
  TRY(read_block(controller, written));
  constexpr auto kRequest = static_cast<std::size_t>(Class::request);
  const std::uint32_t usual = written.rates[0].value_or(0);
  for (std::size_t i = 0; i < kClasses; ++i) settings.rates[i] = written.rates[i].value_or(i == kRequest ? 0 : usual);
  settings.exempt = PrefixSet(std::move(written.exempt));

  shm::WorkerMemory& memory = controller.worker_memory(formatted("rrl {}:{}", at.file, at.line),
                                                       rates::RateTable::bytes_for(settings.accounts));
  auto plugin = std::make_unique<const Rrl>(
      std::move(settings), controller.snapshot("server secrets"), memory,
      controller.metrics().counters("swage_rrl_limited_total",
                                    "Responses that were too many, by their class and what became of them.", {},
                                    {{"class", {"response", "nodata", "nxdomain", "referral", "error", "request"}},
                                     {"result", {"dropped", "slipped", "reported"}}}));
  controller.block().unlimited_clients = &plugin->exempt();
  controller.add(std::unique_ptr<const Plugin>(std::move(plugin)));
  return {};
}

}  // namespace swage::plugins::rrl

// Fuzzes the file .env: it is read to its end, or refused with the line alone.
#include <cstdint>
#include <cstdlib>

#include "core/bytes.h"
#include "core/config/dotenv.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace swage;
  const config::Environment environment = [](const std::string& name) {
    return name == "A" ? std::optional<std::string>("$A ${B}") : std::nullopt;
  };
  const auto variables = config::parse_dotenv(as_text({data, size}), ".env", environment);
  if (!variables && !variables.error().text().starts_with(".env:")) std::abort();
  if (variables && variables->contains("")) std::abort();
  return 0;
}

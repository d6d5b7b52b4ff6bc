// The file .env: environment variables for a server, as p2p-forge reads them (godotenv's format).
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace swage::config {

// The value of an environment variable; nullopt where it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

// The variables that `text` sets, a statement each, or an Error that names the line and nothing of what is in it:
//
//   [export ]NAME=VALUE          up to the end of the line, or to its last " #"; blanks at its ends do not count
//   NAME='VALUE'                 as it stands, over lines too
//   NAME="VALUE"                 with \n, \r and other characters after a '\'
//
// A ':' may stand for the '='; lines that begin with '#' say nothing. $NAME and ${NAME} (upper case) stand for a
// variable set above, else for what `environment` knows, but in single quotes and after a '\'. The last statement
// counts.
[[nodiscard]] Result<std::map<std::string, std::string>> parse_dotenv(std::string_view text, const std::string& file,
                                                                      const Environment& environment);

// Sets those variables of the file at `path` that this process has not. False where there is no such file.
[[nodiscard]] Result<bool> load_dotenv(const std::string& path);

}  // namespace swage::config

#include "core/http/message.h"

#include <algorithm>
#include <utility>

#include "core/http/grammar.h"
#include "core/text.h"

namespace swage::http {

namespace {

bool list_has(std::string_view list, std::string_view element) {
  while (true) {
    const std::size_t comma = list.find(',');
    if (equal_without_case(trim(list.substr(0, comma)), element)) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace

void Fields::add(std::string name, std::string value) {
  if (fields_.empty()) fields_.reserve(8);
  fields_.push_back({std::move(name), std::move(value)});
}

void Fields::set(std::string name, std::string value) {
  remove(name);
  add(std::move(name), std::move(value));
}

void Fields::remove(std::string_view name) {
  std::erase_if(fields_, [name](const Field& field) { return equal_without_case(field.name, name); });
}

std::optional<std::string_view> Fields::find(std::string_view name) const {
  for (const Field& field : fields_) {
    if (equal_without_case(field.name, name)) return field.value;
  }
  return std::nullopt;
}

std::size_t Fields::count(std::string_view name) const {
  const auto has_name = [name](const Field& field) { return equal_without_case(field.name, name); };
  return static_cast<std::size_t>(std::ranges::count_if(fields_, has_name));
}

bool Fields::lists(std::string_view name, std::string_view element) const {
  return std::ranges::any_of(fields_, [&](const Field& field) {
    return equal_without_case(field.name, name) && list_has(field.value, element);
  });
}

std::string_view Request::path() const { return std::string_view(target).substr(0, target.find('?')); }

std::string_view Request::query() const {
  const std::size_t mark = target.find('?');
  return mark == std::string::npos ? std::string_view() : std::string_view(target).substr(mark + 1);
}

}  // namespace swage::http

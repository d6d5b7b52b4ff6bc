# swage_templates(RESULT): a source with the files of docs/examples/template/ as texts (core/scaffold/templates.h).
function(swage_templates result)
  set(folder ${CMAKE_SOURCE_DIR}/docs/examples/template)
  set(templates "")
  foreach(pair README.md:README.md CMakeLists.txt:CMakeLists.txt plugin.yaml:plugin.yaml plugin_name.cpp:plugin_name.cpp
               plugin_name_test.cpp:plugin_name_test.cpp ci.yml:.github/workflows/ci.yml gitignore:.gitignore)
    string(REPLACE ":" ";" pair ${pair})
    list(GET pair 0 file)
    list(GET pair 1 path)
    file(READ ${folder}/${file} text)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${folder}/${file})
    string(APPEND templates "    {\"${path}\", R\"template(${text})template\"},\n")
  endforeach()
  set(source ${CMAKE_BINARY_DIR}/generated/templates.cpp)
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT [[// Made of docs/examples/template/ by cmake/templates.cmake.
#include "core/scaffold/templates.h"

namespace swage::scaffold {

std::span<const Template> templates() {
  static constexpr Template kTemplates[] = {
@templates@  };
  return kTemplates;
}

}  // namespace swage::scaffold
]])
  set(${result} ${source} PARENT_SCOPE)
endfunction()

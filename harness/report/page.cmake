# Makes OUTPUT, a C++ source with the page of the HTML report, from the files in DIRECTORY. The modules become one script in
# the order in which they stand here, since a page that was opened as a file cannot load others. A module therefore imports
# only what stands before it, each import is one line, and no two modules declare the same name at their top level.
set(modules base outcomes blocks data filter state virtual_list text list slices scale timeline_draw timeline timeline_table
            streams detail_items detail facts keys main)

file(GLOB found RELATIVE ${DIRECTORY} ${DIRECTORY}/*.js)
set(script "")
foreach(module ${modules})
  list(REMOVE_ITEM found ${module}.js)
  file(READ ${DIRECTORY}/${module}.js text)
  string(REGEX REPLACE "(^|\n)import [^\n]*" "\\1" text "${text}")
  string(REGEX REPLACE "(^|\n)export " "\\1" text "${text}")
  string(APPEND script "${text}\n")
endforeach()
if(found)
  message(FATAL_ERROR "page.cmake: modules that it does not name: ${found}")
endif()
file(READ ${DIRECTORY}/index.html shell)
file(READ ${DIRECTORY}/style.css style)

# literal(<name> <text>): appends a constant. A literal of a compiler may be limited, and adjacent ones are joined.
set(source "// Made by page.cmake.\n#include \"harness/report/html_page.h\"\n\nnamespace harness::report {\n")
function(literal name text)
  string(LENGTH "${text}" length)
  set(parts "")
  set(from 0)
  while(from LESS length)
    string(SUBSTRING "${text}" ${from} 12000 part)
    string(APPEND parts "R\"page(${part})page\"\n")
    math(EXPR from "${from} + 12000")
  endwhile()
  set(source "${source}\nconst std::string_view ${name} =\n${parts};\n" PARENT_SCOPE)
endfunction()
literal(kPageShell "${shell}")
literal(kPageStyle "${style}")
literal(kPageScript "${script}")
file(WRITE ${OUTPUT} "${source}\n}  // namespace harness::report\n")

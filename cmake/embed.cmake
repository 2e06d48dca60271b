# embed(TARGET FILE...): a static library that carries the bytes of files, and its header
# "embed.h": config/models.yaml becomes
#
#	extern const char embed_models_yaml[];     ends with a zero byte that is not counted
#	extern const size_t embed_models_yaml_len;
#	#define EMBED_MODELS_YAML_SHA256 "…"       64 hex digits
#
# The assembler includes the bytes (.incbin), so that nothing has to turn megabytes of text
# into C, and gcc and clang do the same.
function(embed target)
	set(dir ${CMAKE_CURRENT_BINARY_DIR}/embed)
	set(header "/* embed.h: made by cmake/embed.cmake. */\n#ifndef EMBED_H\n#define EMBED_H\n\n#include <stddef.h>\n\n")
	set(code "\t.section .note.GNU-stack,\"\",%progbits\n\t.section .rodata\n")
	foreach(file IN LISTS ARGN)
		cmake_path(GET file FILENAME name)
		string(MAKE_C_IDENTIFIER "embed_${name}" symbol)
		string(TOUPPER ${symbol} macro)
		file(SHA256 ${file} hash)
		string(APPEND header "extern const char ${symbol}[];\nextern const size_t ${symbol}_len;\n"
			"#define ${macro}_SHA256 \"${hash}\"\n")
		string(APPEND code "\t.global ${symbol}\n\t.type ${symbol}, %object\n\t.balign 64\n${symbol}:\n\t.incbin \"${file}\"\n"
			"${symbol}_end:\n\t.byte 0\n\t.size ${symbol}, . - ${symbol}\n"
			"\t.balign __SIZEOF_SIZE_T__\n\t.global ${symbol}_len\n\t.type ${symbol}_len, %object\n${symbol}_len:\n"
			"#if __SIZEOF_SIZE_T__ == 8\n\t.quad ${symbol}_end - ${symbol}\n#else\n\t.long ${symbol}_end - ${symbol}\n#endif\n"
			"\t.size ${symbol}_len, __SIZEOF_SIZE_T__\n")
	endforeach()
	string(APPEND header "\n#endif\n")
	file(CONFIGURE OUTPUT ${dir}/embed.h CONTENT "${header}" @ONLY)
	file(CONFIGURE OUTPUT ${dir}/embed.S CONTENT "${code}" @ONLY)
	set_source_files_properties(${dir}/embed.S PROPERTIES OBJECT_DEPENDS "${ARGN}")
	set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${ARGN})
	add_library(${target} STATIC ${dir}/embed.S)
	target_include_directories(${target} PUBLIC ${dir})
endfunction()

# Flags of every target: language, warnings, hardening, sanitizers.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
check_pie_supported()

# Asserts stay on in what we ship: a daemon that bills stops rather than guesses.
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g")
if(NOT CMAKE_BUILD_TYPE)
	set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

find_program(CCACHE ccache)
mark_as_advanced(CCACHE)
if(CCACHE AND NOT CMAKE_C_COMPILER_LAUNCHER)
	set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()

function(c_options)
	add_compile_options("$<$<COMPILE_LANGUAGE:C>:${ARGN}>")
endfunction()

macro(frugald_flags)
	add_compile_definitions(_GNU_SOURCE FRUGALD_VERSION="${PROJECT_VERSION}")
	c_options(-Wall -Wextra -Wconversion -Wshadow -Wmissing-prototypes -Wstrict-prototypes
		-Wvla -Wformat=2)
	if(FRUGALD_WERROR)
		c_options(-Werror)
	endif()

	c_options(-fstack-protector-strong)
	add_link_options(-Wl,-z,relro,-z,now)

	if(FRUGALD_SANITIZE STREQUAL "address" OR FRUGALD_FUZZ)
		set(sanitize -fsanitize=address,undefined)
	elseif(FRUGALD_SANITIZE STREQUAL "thread")
		set(sanitize -fsanitize=thread)
	elseif(NOT FRUGALD_SANITIZE STREQUAL "none")
		message(FATAL_ERROR "FRUGALD_SANITIZE is '${FRUGALD_SANITIZE}': address, thread or none")
	endif()
	if(sanitize)
		c_options(${sanitize} -fno-sanitize-recover=all -fno-omit-frame-pointer -O1)
		add_link_options(${sanitize})
	else()
		# The sanitizers see more without it.
		c_options($<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE$<SEMICOLON>-D_FORTIFY_SOURCE=2>)
	endif()

	if(FRUGALD_FUZZ)
		if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
			message(FATAL_ERROR "FRUGALD_FUZZ needs clang: cmake -DCMAKE_C_COMPILER=clang")
		endif()
		c_options(-fsanitize=fuzzer-no-link)
	endif()
endmacro()
frugald_flags()

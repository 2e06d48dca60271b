# Programs of tests/. Each .c file is one program. Its first line may name the folders of
# src/ that it needs, so that it builds while others do not:
#
#	/* libs: base parse */
#
# Without that line it gets them all. Lines after it may name functions whose calls from other
# files reach __wrap_NAME of the test, which may call __real_NAME:
#
#	/* wrap: slots_release */
file(GLOB fake CONFIGURE_DEPENDS tests/fake/*.c)
if(fake)
	add_library(frugald_fake STATIC ${fake})
	target_include_directories(frugald_fake PUBLIC include tests/fake)
	list(APPEND folders fake)
endif()

# test_program(TARGET SOURCE): private headers are found by their name in the folders that the
# source names, and as "folder/name.h" anywhere.
function(test_program target source)
	set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
	file(STRINGS ${source} line LIMIT_COUNT 1 REGEX "^/\\* libs: .* \\*/$")
	set(mine ${folders})
	set(private)
	if(line)
		string(REGEX MATCHALL "[a-z]+" mine "${line}")
		list(POP_FRONT mine) # the word "libs"
		if(TARGET frugald_fake)
			list(APPEND mine fake)
		endif()
		list(REMOVE_DUPLICATES mine)
		list(TRANSFORM mine PREPEND src/ OUTPUT_VARIABLE private)
	endif()
	foreach(folder IN LISTS mine)
		if(NOT TARGET frugald_${folder})
			message(STATUS "${target}: left out, src/${folder} has no code yet")
			return()
		endif()
	endforeach()

	add_executable(${target} ${source})
	target_compile_definitions(${target} PRIVATE FRUGALD_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
	target_include_directories(${target} PRIVATE tests/fake src ${private})
	frugald_link(${target} ${mine})

	file(STRINGS ${source} lines REGEX "^/\\* wrap: .* \\*/$")
	foreach(line IN LISTS lines)
		string(REGEX MATCHALL "[a-z0-9_]+" wrapped "${line}")
		list(POP_FRONT wrapped) # the word "wrap"
		list(TRANSFORM wrapped PREPEND "-Wl,--wrap=")
		target_link_options(${target} PRIVATE ${wrapped})
	endforeach()
endfunction()

# test_programs(FOLDER PREFIX LIBRARY...): every tests/FOLDER/*.c, and the target FOLDER for all.
function(test_programs folder prefix)
	file(GLOB sources CONFIGURE_DEPENDS tests/${folder}/*.c)
	set(made)
	foreach(source IN LISTS sources)
		cmake_path(GET source STEM name)
		if(NOT name MATCHES "^${prefix}")
			set(name ${prefix}${name})
		endif()
		test_program(${name} ${source})
		if(TARGET ${name})
			target_link_libraries(${name} PRIVATE ${ARGN})
			list(APPEND made ${name})
		endif()
	endforeach()
	if(made)
		add_custom_target(${folder} DEPENDS ${made})
	endif()
	set(made ${made} PARENT_SCOPE)
endfunction()

if(FRUGALD_FUZZ)
	test_programs(fuzz fuzz_ -fsanitize=fuzzer)
else()
	pkg_check_modules(cmocka REQUIRED IMPORTED_TARGET cmocka)
	test_programs(unit test_ PkgConfig::cmocka)
	foreach(name IN LISTS made)
		add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
		set_tests_properties(${name} PROPERTIES TIMEOUT 120 SKIP_RETURN_CODE 77)
	endforeach()
	test_programs(fault fault_ PkgConfig::cmocka)
	test_programs(bench bench_)
endif()

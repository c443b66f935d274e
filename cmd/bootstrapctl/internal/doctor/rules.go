package doctor

import "bootstrap/cmd/bootstrapctl/internal/clouderror"

// Texts of the platforms that several rows share.
var (
	noBootstrap   = startErrors(clouderror.NoBootstrap)
	notExecutable = startErrors(clouderror.NotExecutable)
	noSuchFile    = startErrors(clouderror.NoSuchFile)
	execFormat    = startErrors(clouderror.ExecFormat)
	failure       = all("{failure}")
)

// rules is the table of findings, the most important first. Sources of the
// platforms' texts are their documents and what users report of failed first
// deployments.
var rules = []rule{
	// The zip itself.
	{"zip-broken", Error, "its content is damaged: {detail}", nil, "make the zip again: bootstrapctl pack"},
	{"unsafe-name", Error, "the name of this entry leaves the code folder", nil, "make the zip again, from within the folder: bootstrapctl pack"},
	{"backslash-name", Error, `the name of this entry has backslashes, so the platform does not put it into a folder: the zip was made on Windows`, nil, "make the zip again: bootstrapctl pack"},
	{"duplicate-name", Error, "the zip has this name twice, and the platform may use either entry", nil, "make the zip again: bootstrapctl pack"},
	{"zip-encrypted", Error, "this entry is encrypted, and the platform has no password", nil, "make the zip again, without a password: bootstrapctl pack"},
	{"zip-method", Error, "this entry has the compression method {detail}, and platforms can read only stored and deflated entries", nil, "make the zip again: bootstrapctl pack"},
	{"empty", Error, "the package is empty", noBootstrap, "add the function, or create one: bootstrapctl init"},

	// What the platform starts.
	{"outer-folder", Error, "everything is in the folder {folder}/: bootstrap must be at the top of the zip", noBootstrap, "pack what is in the folder: bootstrapctl pack {folder}"},
	{"bootstrap-case", Error, `the platform starts only a file whose name is exactly "bootstrap"`, noBootstrap, "rename it, or make the zip again: bootstrapctl pack"},
	{"scf-bootstrap", Error, "scf_bootstrap starts a web function, and this package has no bootstrap", noBootstrap, "create an event function, and make the zip again: bootstrapctl pack"},
	{"bootstrap-missing", Error, "there is no file bootstrap at the top of the zip", noBootstrap, "make the zip again: bootstrapctl pack"},
	{"bootstrap-not-executable", Error, "it is not executable (mode {mode})", notExecutable, "make the zip again: bootstrapctl pack"},
	{"bootstrap-empty", Error, "it is empty", execFormat, "delete it, and bootstrapctl pack adds its own"},
	{"bootstrap-crlf", Error, `it has Windows line ends (CRLF), so the system looks for the interpreter "{interpreter}\r"`, noSuchFile, "save it with Unix line ends (LF), or: bootstrapctl pack -fix"},
	{"bootstrap-bom", Error, "it begins with a byte order mark (BOM), so the system does not see its #! line", execFormat, "save it as UTF-8 without a BOM, or: bootstrapctl pack -fix"},
	{"bootstrap-no-shebang", Error, "it is a script whose first line names no interpreter", execFormat, "begin it with #!/bin/bash"},
	{"bootstrap-not-linux", Error, "it is a program for {system}, and the platform runs Linux", execFormat, "build it for Linux, or delete it, and let bootstrapctl pack -arch {arch} put in its own"},
	{"bootstrap-arch", Error, "it is built for {machine}, and the function runs on {arch}", execFormat, "set the function's architecture to {machine}, or delete it, and let bootstrapctl pack -arch {arch} put in its own"},
	{"bootstrap-loader", Error, "it needs the loader {loader}, which the platform does not have", noSuchFile, "link it statically, or build it for a system with glibc"},
	{"bootstrap-interpreter", Error, "its interpreter {interpreter} does not exist on the platform", noSuchFile, "begin it with #!/bin/bash"},

	// What the runtime starts.
	{"handler-not-found", Error, "{what}", failure, "put the file into the folder, or set the handler: -handler FILE.FUNCTION"},
	{"handler-ignored", Error, "the handler is in this file, and .bootstrapignore keeps it out of the package", all("Runtime.HandlerNotFound"), "take it out of .bootstrapignore"},
	{"handler-folder", Error, "the handler names a folder, not a program", failure, "set the handler to a file: -handler {file}/PROGRAM"},
	{"function-missing", Error, "it defines no function {function}", all("Runtime.HandlerNotFound"), "define {function}, or set the handler: -handler {base}.FUNCTION"},
	{"command-missing", Error, "BOOTSTRAP_COMMAND runs it, and it is not in the package", failure, "put it into the folder"},
	{"program-empty", Error, "it is empty", failure, "write it, and pack again"},
	{"program-damaged", Error, "it begins like a program for Linux, but is damaged: {detail}", all("fork/exec {path}: exec format error"), "build it again, and copy it as a binary file"},
	{"not-executable", Error, "it is not executable (mode {mode})", failure, "bootstrapctl pack, which sets the mode; or chmod +x {file} before zip"},
	{"crlf", Error, "line {line} has a Windows line end (CRLF), so its last word includes a carriage return", all("{failure}"), "save it with Unix line ends (LF), or: bootstrapctl pack -fix"},
	{"bom", Error, "it begins with a byte order mark (BOM), which is part of its first word", failure, "save it as UTF-8 without a BOM, or: bootstrapctl pack -fix"},
	{"no-shebang", Error, "it is a text file whose first line names no interpreter", failure, "begin it with a line such as #!/bin/sh"},
	{"not-linux", Error, "it is a program for {system}, and the platform runs Linux", all("Function.StartError: fork/exec {path}: exec format error"), "build it for Linux ({arch})"},
	{"arch", Error, "it is built for {machine}, and the function runs on {arch}", all("fork/exec {path}: exec format error"), "build it for {arch}, or set the function's architecture to {machine}"},
	{"elf-class", Error, "it is a 32-bit program ({machine}), and the platform has no libraries for it", all("fork/exec {path}: no such file or directory"), "build it for {arch}"},
	{"loader", Error, "it needs the loader {loader}, which the platform does not have: it is built for another C library", all("fork/exec {path}: no such file or directory"), "link it statically, or build it on a system with glibc"},
	{"glibc", Error, "it needs glibc {needs}, and the platform has {has}", all("/lib64/libc.so.6: version `GLIBC_{needs}' not found (required by {path})"), "build it on a system with glibc {has} or older, or link it statically"},
	{"musl", Error, "it is linked with musl, and the platform has glibc", all("error while loading shared libraries: {library}: cannot open shared object file: No such file or directory"), "build it on a system with glibc, or link it statically"},
	{"interpreter", Error, "its interpreter {interpreter} does not exist on the platform", all("{failure}"), "put the interpreter into the package, or use one that the platform has, such as #!/bin/bash"},
	{"language", Error, "it needs {interpreter}, which the platform does not have", all(`Runtime.NoInterpreter: cannot load {path}: "{interpreter}" is not in PATH ({search})`), "put {interpreter} into the package or a layer, and set {option} to its path; or use the platform's own runtime for the language"},
	{"syntax", Error, "{detail}", all("Runtime.UserCodeSyntaxError"), "correct it"},
	{"option", Error, "{what}", all("Runtime.ConfigError"), "correct it in bootstrap.env, or in the function's variables"},
	{"unreadable", Error, "only its owner may read it (mode {mode}), and the platform runs functions as another user", all("Permission denied"), "bootstrapctl pack, which sets the mode; or chmod a+r {file} before zip"},
	{"unreadable-here", Error, "it cannot be read: {detail}", nil, "make it readable, or name it in .bootstrapignore"},
	{"link-outside", Error, "this link points to {detail}, outside of the code folder", all("No such file or directory"), "replace it by what it points to: cp -L"},
	{"link-broken", Warning, "this link points to {detail}, which does not exist", nil, "remove it, or name it in .bootstrapignore"},
	{"special-file", Warning, "it is not a regular file, so it is left out of the package", nil, "name it in .bootstrapignore"},

	// Limits.
	{"unpacked-size", Error, "the unpacked package has {size}, and the platform accepts at most {limit}", map[string]string{
		"lambda": "InvalidParameterValueException: Unzipped size must be smaller than 262144000 bytes",
	}, "move large files to object storage or a layer, or name what is not needed in .bootstrapignore"},
	{"packed-size", Error, "the zip has {size}, and the platform accepts at most {limit}", nil, "name what is not needed in .bootstrapignore"},
	{"upload-size", Warning, "the zip has {size}, and only {limit} can be uploaded directly", nil, "upload it to {storage}, and create the function from there"},
	{"variables-size", Error, "the variables have {size} bytes, and the platform accepts at most {limit} in total", map[string]string{
		"scf":    "InvalidParameterValue.EnvironmentExceededLimit",
		"lambda": "Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit.",
	}, "move some of them to the file bootstrap.env"},
	{"variable-reserved", Error, "the platform does not let a function set {name}", map[string]string{
		"scf":    "InvalidParameterValue.EnvironmentSystemProtect",
		"lambda": "Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: {name}",
	}, "use another name"},
	{"variable-name", Error, "the platform does not accept the name {name}: expected a letter, then letters, digits and _", nil, "use another name, or set it in bootstrap.env"},
	{"slow-start", Error, "the start took {took} here, and the function's limit is {limit}", map[string]string{
		"scf":           "Initializing task timed out after {seconds} seconds",
		"functiongraph": "FSS.4211: runtime initialization timed out after {seconds}s",
		"lambda":        "Task timed out after {seconds}.00 seconds",
	}, "raise the time limit (on SCF also the initialization limit), or do less at the start"},

	// Modules, libraries and likely mistakes.
	{"python-module", Error, "it is a native module for {machine}, and the function runs on {arch}", all("ImportError: {path}: cannot open shared object file"), "install it for the platform: pip install --platform manylinux2014_{cpu} --only-binary=:all: --target ."},
	{"node-module", Error, "it is a native module for {machine}, and the function runs on {arch}", all("Error: {path}: invalid ELF header"), "install it for the platform: npm install --os=linux --cpu={nodecpu}"},
	{"wheel", Error, "this wheel is for {tag}, and the function runs on Linux {cpu} with glibc", all("Runtime.ImportModuleError"), "install it for the platform: pip install --platform manylinux2014_{cpu} --only-binary=:all: --target ."},
	{"wheel-glibc", Error, "this wheel needs glibc {needs}, and the platform has {has}", all("version `GLIBC_{needs}' not found"), "install it for the platform: pip install --platform manylinux2014_{cpu} --only-binary=:all: --target ."},
	{"library", Warning, "it needs {library}, which is neither in the package nor among the libraries that the platform is known to have", all("error while loading shared libraries: {library}: cannot open shared object file: No such file or directory"), "put it into the package where the loader looks, or link it statically"},
	{"interpreter-unsure", Warning, "it needs {interpreter}, and the platform's documentation does not mention it", nil, "put the interpreter into the package, or test on the platform first"},
	{"glibc-unsure", Warning, "it needs glibc {needs}, and the platform does not document its version", nil, "build it on an old system, such as CentOS 7 (2.17), or link it statically"},
	{"bootstrap-foreign", Warning, "it is not this project's runtime, so doctor does not know what it does", nil, "remove it to use the runtime in bootstrapctl"},
	{"bootstrap-stale", Warning, "it is a different build of the runtime than the one in bootstrapctl ({version})", nil, "bootstrapctl pack, which puts in its own"},
	{"scf-bootstrap-too", Warning, "scf_bootstrap starts web functions only: an event function starts bootstrap", nil, "remove it, unless the package serves both"},
	{"handler-ambiguous", Warning, "the handler also matches {other}, but {file} runs", nil, "remove one of them, or name it in .bootstrapignore"},
	{"case", Warning, "{other} differs from it in case only: on macOS and Windows one of them is lost", nil, "rename one of them"},
	{"procfile-unused", Warning, "its programs do not start, because BOOTSTRAP_SIDECARS is not set", nil, "add BOOTSTRAP_SIDECARS=Procfile to bootstrap.env, or name it in .bootstrapignore"},
	{"option-unknown", Warning, "{what}", nil, "correct its name"},
	{"git", Warning, "the package holds a git repository, with its whole history", nil, "make the zip again: bootstrapctl pack, which leaves it out"},
}

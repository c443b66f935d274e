package doctor

import (
	"regexp"
	"strings"

	"bootstrap/protocol"
)

// A system describes the machine on which a platform runs functions.
type system struct {
	folder   string // of the code
	glibc    string // its version; empty if not documented
	lacks    []string
	packed   int64 // bytes of a zip, however it is uploaded; 0 if not documented
	upload   int64 // bytes of a zip that is uploaded directly
	storage  string
	unpacked int64
	reserved *regexp.Regexp // names of variables that a function cannot set
	names    *regexp.Regexp // names of variables that it can set; nil if any
}

const megabyte = 1 << 20

// maxVariables is the limit of all names and values, in bytes, on each platform.
const maxVariables = 4096

var letterFirst = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]+$`)

// systems holds the system of each platform, by the platform's name.
//
// SCF: CentOS 7.6, 500 MB unpacked (cloud.tencent.com/document/product/583/11637);
// 20 MB of base64 in a call (583/18581), which is 15 MB of zip.
// FunctionGraph: huaweicloud.com, functiongraph_01_0150: 50 MB of zip by a call,
// 300 MB by OBS, 1500 MB unpacked.
// Lambda: Amazon Linux 2023 (docs.aws.amazon.com/linux/al2023/ug/lambda.html), a
// system without languages (runtimes-provided.html); 50 MB of zip, 250 MB
// unpacked (gettingstarted-limits.html); variables (configuration-envvars.html).
var systems = map[string]system{
	"scf": {
		folder:   "/var/user",
		glibc:    "2.17",
		upload:   15 * megabyte,
		storage:  "COS",
		unpacked: 500 * megabyte,
		reserved: regexp.MustCompile(`^(SCF_|QCLOUD_|TENCENTCLOUD_|TECENTCLOUD_)`),
		names:    letterFirst,
	},
	"functiongraph": {
		folder:   "/opt/function/code",
		packed:   300 * megabyte,
		upload:   50 * megabyte,
		storage:  "OBS",
		unpacked: 1500 * megabyte,
	},
	"lambda": {
		folder:   "/var/task",
		glibc:    "2.34",
		lacks:    languages,
		upload:   50 * megabyte,
		storage:  "S3",
		unpacked: 250 * megabyte,
		reserved: regexp.MustCompile(`^(_HANDLER|_X_AMZN_TRACE_ID|AWS_DEFAULT_REGION|AWS_REGION|AWS_EXECUTION_ENV|AWS_ACCESS_KEY|AWS_ACCESS_KEY_ID|AWS_SECRET_ACCESS_KEY|AWS_SESSION_TOKEN|AWS_LAMBDA_(FUNCTION_NAME|FUNCTION_MEMORY_SIZE|FUNCTION_VERSION|INITIALIZATION_TYPE|LOG_GROUP_NAME|LOG_STREAM_NAME|RUNTIME_API)|LAMBDA_TASK_ROOT|LAMBDA_RUNTIME_DIR)$`),
		names:    letterFirst,
	},
}

// languages lists interpreters that a platform may lack.
var languages = []string{"python", "python2", "python3", "node", "nodejs", "ruby", "java", "dotnet", "php", "deno", "bun"}

// assumed lists the interpreters that this project expects on a platform that does
// not lack languages.
var assumed = []string{"python3", "node"}

// onAll lists programs that each platform has, as its own samples use them.
var onAll = []string{"/bin/sh", "/bin/bash", "/usr/bin/env", "/usr/bin/sh", "/usr/bin/bash"}

// nowhere lists folders that no platform has.
var nowhere = []string{"/home/", "/Users/", "/opt/homebrew/", "/nix/", "/snap/", "/data/", "/root/", "/mnt/", "C:"}

// loaders holds the loader of glibc, by architecture.
var loaders = map[string]string{"amd64": "/lib64/ld-linux-x86-64.so.2", "arm64": "/lib/ld-linux-aarch64.so.1"}

// libraries lists the libraries of glibc and of compilers, which each platform has
// for its own programs.
var libraries = []string{
	"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libresolv.so.2", "libutil.so.1", "libanl.so.1",
	"ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "libgcc_s.so.1", "libstdc++.so.6",
}

// environment returns the variables that a platform sets, with the code in dir.
func environment(p *protocol.Platform, dir, handler string) (vars []string) {
	fill := strings.NewReplacer("${dir}", dir, "${handler}", handler, "${host}", "127.0.0.1", "${port}", "9001",
		"${name}", "function", "${memory_mb}", "128", "${timeout_s}", "3", "${timeout_ms}", "3000",
		"${user_data}", "{}")
	for _, v := range p.Environment {
		vars = append(vars, fill.Replace(v))
	}
	return vars
}

package deployfile

import "go.yaml.in/yaml/v4"

// A provider is a cloud to which the Serverless Framework deploys, with or
// without a plug-in.
type provider struct {
	platform    string
	runtime     string // its default
	handler     string // its default
	memory      int    // megabytes
	timeout     int    // seconds
	initTimeout int    // seconds; 0 if the framework has no setting for it
	env         func(v value) value
	event       func(r *reader, f *Function, event value)
}

// providers holds the defaults of each provider.
//
// tencent: github.com/serverless-tencent/serverless-tencent-scf, provider; it leaves
// the time of the start to the API, whose default is 65 s.
// huawei: support.huaweicloud.com/intl/en-us/devg-functiongraph/functiongraph_02_0741.html.
// aws: serverless.com/framework/docs/providers/aws/guide/serverless.yml.
var providers = map[string]provider{
	"tencent": {
		platform: "scf", runtime: "nodejs8", handler: "index.main_handler", memory: 128, timeout: 3, initTimeout: 65,
		env:   func(v value) value { return v.get("environment", "variables") },
		event: (*reader).tencentEvent,
	},
	"huawei": {
		platform: "functiongraph", runtime: "Node.js14.18", handler: "index.handler", memory: 256, timeout: 30,
		env:   func(v value) value { return v.get("userData").or(v.get("environment")) },
		event: (*reader).huaweiEvent,
	},
	"aws": {
		platform: "lambda", runtime: "nodejs20.x", memory: 1024, timeout: 6,
		env:   func(v value) value { return v.get("environment") },
		event: (*reader).awsEvent,
	},
}

// pluginUndone describes the keys of the framework that the local platform
// ignores.
var pluginUndone = map[string]string{
	"layers":            "layers are not added",
	"vpc":               "there is no private network",
	"vpcConfig":         "there is no private network",
	"role":              "the function gets no credentials of a role",
	"iam":               "the function gets no credentials of a role",
	"iamRoleStatements": "the function gets no credentials of a role",
	"agencyName":        "the function gets no credentials of an agency",
	"fileSystemConfig":  "file systems are not mounted",
	"onError":           "failed events are not sent to a queue",
	"destinations":      "results are not sent to destinations",
	"kmsKeyArn":         "variables are not encrypted",
	"tracing":           "nothing is traced",
	"dependVersionList": "dependencies are not added",
}

// plugin reads a serverless.yml with functions.
func (r *reader) plugin() {
	r.file.Format = "Serverless Framework"
	settings := r.settings()
	stage := settings.get("stage")
	r.language = newVariables(r, map[string]named{
		"sls:stage": {stage, "dev"}, "self:provider.stage": {stage, "dev"},
	})
	name := settings.get("name")
	if !settings.given() {
		name = r.root.get("provider")
	}
	known, ok := providers[name.text("")]
	if !ok {
		r.complain(name.line(), "cannot read functions of the provider %q: expected tencent, huawei or aws", name.text(""))
		return
	}
	for _, p := range r.root.get("functions").pairs() {
		r.pluginFunction(known, p)
	}
}

// settings returns the settings of the provider. They are empty if the file
// gives only its name.
func (r *reader) settings() value {
	v := r.root.get("provider")
	if v.is(yaml.ScalarNode) {
		v.node = nil
	}
	return v
}

// pluginFunction reads one of the functions. The function's settings default to
// those of the provider.
func (r *reader) pluginFunction(known provider, p pair) {
	settings := r.settings()
	setting := func(key string) value { return p.get(key).or(settings.get(key)) }
	f := Function{Platform: known.platform, Line: p.line}
	f.Name = p.get("name").text(p.key)
	if image := p.get("image"); image.given() {
		r.complain(image.line(), "function %s: cannot run a container image: set runtime: %s", f.Name, runtimes[f.Platform].set)
		return
	}
	f.Runtime = r.runtime(f, setting("runtime"), known.runtime)
	r.artifact(&f, p.value)
	f.Handler = r.handler(f, p.get("handler"), known.handler)
	f.MemoryMB = setting("memorySize").number(1, known.memory)
	f.Timeout = setting("timeout").seconds(known.timeout)
	f.InitTimeout = setting("initTimeout").or(setting("initializerTimeout")).seconds(known.initTimeout)
	f.Env = r.env(known.env(settings), known.env(p.value))
	f.Concurrency = r.instances(f, p.get("reservedConcurrency").or(p.get("concurrency")))
	for _, event := range p.get("events").items() {
		if event.is(yaml.MappingNode) {
			known.event(r, &f, event)
		} else {
			r.ignored(&f, event.line(), event.text(""))
		}
	}
	r.undone(f, settings, pluginUndone)
	r.undone(f, p.value, pluginUndone)
	r.add(f)
}

// artifact reads package: a zip, or globs of files in the folder of the deploy file.
func (r *reader) artifact(f *Function, v value) {
	own, all := packaging(v), packaging(r.root)
	if source := v.get("code", "codeUri"); source.given() { // of Huawei's plug-in
		f.Code = r.code(*f, source)
		return
	}
	if artifact := own.get("artifact").or(all.get("artifact")); artifact.given() {
		f.Code = r.code(*f, artifact)
		return
	}
	f.Code = r.dir
	for _, from := range []value{all, own} {
		for _, key := range []string{"exclude", "include", "patterns"} {
			if globs := from.get(key); globs.given() {
				r.note(globs.line(), "function %s: package.%s is not applied: the whole folder is the code", f.Name, key)
			}
		}
	}
}

// packaging returns package if it is a mapping. With Huawei's plug-in, the package
// of a function is the name of a group.
func packaging(v value) value {
	if p := v.get("package"); p.is(yaml.MappingNode) {
		return p
	}
	return value{r: v.r, name: "package", above: v.line()}
}

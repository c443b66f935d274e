package deployfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// component returns a file of component scf with some more lines in inputs.
func component(lines string) string {
	return "component: scf\nname: x\ninputs:\n  src: code\n  runtime: CustomRuntime\n" + lines
}

// plugin returns a file of the Serverless Framework with one function.
func plugin(provider, lines string) string {
	return "provider: {name: " + provider + ", runtime: " + map[string]string{"tencent": "CustomRuntime", "huawei": "Custom", "aws": "provided.al2"}[provider] +
		"}\nfunctions:\n  f:\n    handler: a.b\n" + lines
}

// sam returns a template with one function.
func sam(lines string) string {
	return "Parameters:\n  P: {Type: String}\n  S: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /x}\n  L: {Default: [a]}\nResources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Handler: h\n" + lines
}

// devs returns an s.yaml with one function.
func devs(lines string) string {
	return "services:\n  f:\n    component: fgs\n    props:\n      function:\n        runtime: Custom\n" + lines
}

const (
	samRuntime = "      Runtime: provided.al2\n"
	samCode    = "      CodeUri: code\n"
	devsCode   = "        code: {codeUri: code}\n"
)

// TestProblems checks the errors of files that cannot be used. Each line of want is
// one problem, behind the name of the file.
func TestProblems(t *testing.T) {
	for _, row := range []struct{ name, text, want string }{
		{"empty", "", "1: cannot tell what deploys this file: expected a serverless.yml with component: scf, a serverless.yml with functions: and provider: tencent, huawei or aws, a template.yaml of AWS SAM or CloudFormation, or an s.yaml with component: fgs"},
		{"no YAML", "a: [1,\nb: 2", "3: cannot parse YAML: did not find expected ',' or ']'"},
		{"two documents", "a: 1\n---\nb: 2\n", "2: expected one YAML document, found a second"},
		{"bad second document", "a: 1\n---\nb: [\n", "4: cannot parse YAML: did not find expected node content"},
		{"nothing but a comment", "# x\n", "1: cannot tell what deploys this file: expected a serverless.yml with component: scf, a serverless.yml with functions: and provider: tencent, huawei or aws, a template.yaml of AWS SAM or CloudFormation, or an s.yaml with component: fgs"},
		{"tab", "\ta: 1", "1: cannot parse YAML: found character that cannot start any token"},
		{"control character", "a: \x01", "1: cannot parse YAML: control characters are not allowed (value: 1)"},
		{"unknown alias", "a:\n  b: *c", "2: cannot parse YAML: unknown anchor 'c' referenced"},
		{"TCSAM", "Resources:\n  default:\n    Type: TencentCloud::Serverless::Namespace\n", "2: Tencent's SAM has no custom runtime: write a serverless.yml with component: scf"},
		{"no functions", "Resources: {}", "1: the file has no functions"},
		{"null functions", "provider: aws\nfunctions:\n", "1: the file has no functions"},
		{"provider", "provider: {name: google}\nfunctions: {}", "1: cannot read functions of the provider \"google\": expected tencent, huawei or aws"},
		{"provider's name", "provider: google\nfunctions: {}", "1: cannot read functions of the provider \"google\": expected tencent, huawei or aws"},
		{"no provider", "functions: {}", "1: cannot read functions of the provider \"\": expected tencent, huawei or aws"},

		{"component", "component: multi-scf\nname: x\n", "1: cannot read component multi-scf: expected component: scf"},
		{"no name", "component: scf", "1: the component has no name"},
		{"no inputs", "component: scf\nname: x\n", "1: function x-dev-x has no runtime, and the default Nodejs10.15 is not a custom runtime: set runtime: CustomRuntime\n1: function x-dev-x has no src: set src to a folder or a zip"},
		{"runtime", "component: scf\nname: x\ninputs:\n  src: code\n  runtime: Python3.6\n", "5: function x-dev-x: runtime Python3.6 is not a custom runtime: set runtime: CustomRuntime"},
		{"the default", "component: scf\nname: x\ninputs:\n  src: code\n  runtime: Nodejs10.15\n", "5: function x-dev-x: runtime Nodejs10.15 is not a custom runtime: set runtime: CustomRuntime"},
		{"web", component("  type: web\n"), "6: function x-dev-x: type web starts scf_bootstrap as a web server, not bootstrap as a runtime for events: remove type"},
		{"COS", "component: scf\nname: x\ninputs:\n  runtime: CustomRuntime\n  src: {bucket: b, object: o}\n", "5: function x-dev-x: cannot fetch code from COS: set src to a folder or a zip"},
		{"missing code", "component: scf\nname: x\ninputs:\n  runtime: CustomRuntime\n  src: ./missing\n", "5: function x-dev-x: cannot find its code, ./missing"},
		{"file as code", "component: scf\nname: x\ninputs:\n  runtime: CustomRuntime\n  src: plain.txt\n", "5: function x-dev-x: expected a folder or a zip, found plain.txt"},
		{"number", component("  memorySize: 128MB\n  timeout: 0\n  initTimeout: 1.5\n"), "6: memorySize: expected a whole number from 1, found \"128MB\"\n7: timeout: expected a whole number from 1, found \"0\"\n8: initTimeout: expected a whole number from 1, found \"1.5\""},
		{"huge number", component("  timeout: 99999999999\n"), "6: timeout: expected a whole number from 1, found \"99999999999\""},
		{"mapping as text", component("  handler: {a: b}\n"), "6: expected a string, found a mapping or a list"},
		{"text as mapping", component("  environment: x\n"), "6: environment: expected a mapping (name: value)"},
		{"variable without a value", component("  environment:\n    variables:\n      A:\n"), "8: variable A has no value: set it, or write \"\""},
		{"variable's name", component("  environment:\n    variables:\n      A=B: c\n"), "8: expected the name of a variable, found \"A=B\""},
		{"given twice", component("  timeout: 3\n  timeout: 4\n"), "7: timeout is already set in line 6"},
		{"flag", component("  events:\n    - timer: {parameters: {enable: maybe, cronExpression: '0 0 9 * * * *'}}\n"), "7: enable: expected true or false, found \"maybe\""},
		{"cron", component("  events:\n    - timer: {parameters: {cronExpression: '0 0 9 * * *'}}\n"), "7: function x-dev-x: cannot read the schedule \"0 0 9 * * *\": expected seven fields (second minute hour day month weekday year), found 6"},
		{"no cron", component("  events:\n    - timer: {parameters: {}}\n"), "7: function x-dev-x: a timer has no cronExpression"},
		{"cron as mapping", component("  events:\n    - timer: {parameters: {cronExpression: {a: b}}}\n"), "7: expected a string, found a mapping or a list"},

		{"image", plugin("aws", "    image: x\n"), "5: function f: cannot run a container image: set runtime: provided.al2023"},
		{"no handler", "provider: {name: aws, runtime: provided}\nfunctions:\n  f: {}\n", "3: function f has no handler: set it"},
		{"same name", plugin("aws", "  g: {handler: a.b, name: f}\n"), "5: function f is already defined in line 3: rename one of them"},
		{"same key", plugin("aws", "  f: {handler: a.b}\n"), "5: f is already set in line 3"},
		{"artifact", plugin("aws", "    package: {artifact: missing.zip}\n"), "5: function f: cannot find its code, missing.zip"},
		{"rate", plugin("aws", "    events:\n      - schedule: rate(1 minutes)\n"), "6: function f: cannot read the schedule \"rate(1 minutes)\": expected minutes, hours or days, or the singular after 1; found \"minutes\""},
		{"http runtime", "provider: {name: huawei}\nfunctions:\n  f: {runtime: http}\n", "3: function f: runtime http starts bootstrap as a web server, not as a runtime for events: set runtime: Custom"},

		{"no runtime", sam(samCode), "6: function F has no Runtime: set Runtime: provided.al2023"},
		{"managed runtime", sam(samCode + "      Runtime: python3.12\n"), "11: function F: Runtime python3.12 is not a custom runtime: set Runtime: provided.al2023"},
		{"no code", sam(samRuntime), "6: function F has no CodeUri: set CodeUri to a folder or a zip"},
		{"S3", sam(samRuntime + "      CodeUri: s3://bucket/key\n"), "11: function F: cannot fetch code from s3://bucket/key: set CodeUri to a folder or a zip"},
		{"S3 mapping", sam(samRuntime + "      CodeUri: {Bucket: b, Key: k}\n"), "11: function F: cannot fetch code from S3: set CodeUri to a folder or a zip"},
		{"inline", sam(samRuntime + "      InlineCode: x\n"), "11: function F: cannot run inline code: set CodeUri to a folder or a zip"},
		{"ZipFile", "Resources:\n  F:\n    Type: AWS::Lambda::Function\n    Properties:\n      Handler: h\n      Runtime: provided\n      Code: {ZipFile: x}\n", "7: function F: cannot run inline code: set Code to a folder or a zip"},
		{"container", sam("      PackageType: Image\n"), "10: function F: cannot run a container image: set PackageType: Zip"},
		{"resource", sam(samRuntime + samCode + "      MemorySize: !Ref Table\n"), "12: cannot resolve !Ref Table: Table is not a parameter of this file"},
		{"no default", sam(samRuntime + samCode + "      MemorySize: !Ref P\n"), "12: cannot resolve !Ref P: give the parameter a Default"},
		{"SSM", sam(samRuntime + samCode + "      MemorySize: !Ref S\n"), "12: cannot resolve !Ref S: the parameter's value is in AWS Systems Manager"},
		{"list", sam(samRuntime + samCode + "      MemorySize: !Ref L\n"), "4: Default: expected a string"},
		{"pseudo parameter", sam(samRuntime + samCode + "      Environment:\n        Variables:\n          A: !Sub '${AWS::Region}'\n"), "14: cannot resolve ${AWS::Region}: AWS::Region is not a parameter of this file"},
		{"GetAtt", sam(samRuntime + samCode + "      Environment:\n        Variables:\n          A: !GetAtt Table.Arn\n          B: {'Fn::ImportValue': x}\n"), "14: cannot resolve !GetAtt: write its value, or !Ref a parameter with a Default\n15: cannot resolve !ImportValue: write its value, or !Ref a parameter with a Default"},
		{"Sub of nothing", sam(samRuntime + samCode + "      Timeout: !Sub [a]\n"), "12: cannot resolve !Sub: write its value, or !Ref a parameter with a Default"},
		{"Sub with", sam(samRuntime + samCode + "      Timeout: !Sub ['${X}', {X: !GetAtt T.A}]\n"), "12: cannot resolve !GetAtt: write its value, or !Ref a parameter with a Default"},
		{"list as handler", sam(samRuntime + samCode + "      Layers: [a]\n      FunctionName: [a]\n"), "13: expected a string, found a mapping or a list"},

		{"Alibaba", "edition: 3.0.0\nresources:\n  f:\n    component: fc3\n", "4: service f: component fc3 is Alibaba's Function Compute, where bootstrap is a web server on port 9000, not a runtime for events"},
		{"Alibaba of old", "services:\n  f:\n    component: devsapp/fc@2.0\n", "3: service f: component fc is Alibaba's Function Compute, where bootstrap is a web server on port 9000, not a runtime for events"},
		{"other component", "services:\n  f:\n    component: website\n", "3: service f: cannot read component \"website\": expected component: fgs"},
		{"no component", "services:\n  f: {}\n", "2: service f has no component: expected component: fgs"},
		{"no codeUri", devs(""), "2: function f has no code.codeUri: set it to a folder or a zip"},
		{"OBS", devs("        codeType: obs\n"), "7: function f: cannot fetch code from OBS: set codeType to zip and code.codeUri to a folder or a zip"},
		{"inline code", devs("        codeType: inline\n"), "7: function f: cannot run code of type inline: set codeType: zip"},
		{"Huawei's rate", devs(devsCode + "      trigger: {triggerTypeCode: TIMER, eventData: {schedule: 61m}}\n"), "8: function f: cannot read the schedule \"61m\": expected a number from 1 to 60"},

		{"no closing brace", component("  handler: ${name\n"), "6: cannot resolve ${name: there is no closing brace"},
		{"option", component("  handler: ${opt:x}\n"), "6: cannot resolve ${opt:x}: add a default, as in ${opt:x, 'dev'}"},
		{"alternatives", component("  handler: ${opt:x, self:y, env(Z)}\n"), "6: cannot resolve ${opt:x, self:y, env(Z)}: add a default, as in ${opt:x, self:y, env(Z), 'dev'}"},
		{"file", component("  environment: ${file(env.yml)}\n"), "6: cannot resolve ${file(env.yml)}"},
		{"empty variable", component("  handler: ${}\n"), "6: cannot resolve ${}"},
		{"code", "component: scf\nname: x\ninputs:\n  runtime: CustomRuntime\n  src: ${env.SRC}\n", "5: cannot resolve ${env.SRC}: set SRC in the environment"},
		{"merged text", component("  environment: {<<: x}\n"), "6: <<: expected a mapping"},
		{"long text", component("  handler: " + strings.Repeat("x", maxText+1) + "\n"), "6: handler: expected at most 65536 bytes"},
		{"long texts", component("  handler: ${self:a}${self:a}\na: " + strings.Repeat("x", maxText/2+1) + "\n"), "6: expected a string of at most 65536 bytes"},
		{"mapping in a text", component("  handler: ${self:inputs}\n"), "6: cannot resolve ${self:inputs}: it is a mapping or a list"},

		{"several", component("  timeout: x\n  handler: ${self:a}\n  memorySize: ${env.MISSING}\n"), "6: timeout: expected a whole number from 1, found \"x\"\n7: cannot resolve ${self:a}\n8: cannot resolve ${env.MISSING}: set MISSING in the environment"},
	} {
		check(t, row.name, row.text, row.want)
	}
}

// check reads a text and compares the problems, each in a line.
func check(t *testing.T, name, text, want string) {
	t.Helper()
	path := folder(t, "file.yml", text)
	file, err := Read(path, environ)
	if err == nil {
		t.Errorf("%s: got %+v, want an error", name, file)
		return
	}
	got := strings.ReplaceAll(err.Error(), path+":", "")
	if got != want {
		t.Errorf("%s:\ngot\n%s\nwant\n%s", name, got, want)
	}
}

func TestReadFails(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large.yml")
	if err := os.WriteFile(large, make([]byte, maxSize+1), 0o666); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "missing.yml"): "cannot read " + filepath.Join(dir, "missing.yml") + ": ",
		dir:                               "cannot read " + dir + ": ",
		large:                             "cannot read " + large + ": expected at most 1048576 bytes",
	} {
		_, err := Read(path, nothing)
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Count(err.Error(), path) > 2 {
			t.Errorf("%s: got %v, want %s", path, err, want)
		}
	}
}

// TestBombs reads files that grow without end. Each must be refused soon.
func TestBombs(t *testing.T) {
	for name, text := range bombs() {
		begin := time.Now()
		_, err := Read(folder(t, "file.yml", text), environ)
		if err == nil {
			t.Errorf("%s: got no error", name)
		} else if !strings.Contains(err.Error(), "itself") && !strings.Contains(err.Error(), "at most") && !strings.Contains(err.Error(), "others") && !strings.Contains(err.Error(), "deep") {
			t.Errorf("%s: got %.300v", name, err)
		}
		if took := time.Since(begin); took > time.Minute {
			t.Errorf("%s: took %v", name, took)
		}
	}
}

// bombs returns files that refer to themselves, under names that describe them.
func bombs() map[string]string {
	double := func(format string) string { // 25 levels, each of which names the next twice
		var text strings.Builder
		for i := range 25 {
			a, b := string(rune('A'+i)), string(rune('A'+i+1))
			text.WriteString(strings.NewReplacer("$a", a, "$b", b).Replace(format))
		}
		return text.String()
	}
	reversed := func(format, last string) string { // the same, as anchors come before their aliases
		text := last
		for i := 24; i >= 0; i-- {
			a, b := string(rune('A'+i)), string(rune('A'+i+1))
			text += strings.NewReplacer("$a", a, "$b", b).Replace(format)
		}
		return text
	}
	return map[string]string{
		"variable in itself":      component("  handler: ${self:inputs.handler}\n"),
		"variables in a circle":   component("  handler: ${self:a}\na: ${self:b}\nb: ${self:a}\n"),
		"variables that double":   component("  handler: ${self:A}\n") + double("$a: ${self:$b}${self:$b}\n") + "Z: x\n",
		"variables of many bytes": component("  environment:\n    variables:\n"+many("${self:big}")) + "big: " + strings.Repeat("x", 60<<10) + "\n",
		"variables in variables":  component("  handler: " + strings.Repeat("${", 100) + "a" + strings.Repeat("}", 100) + "\n"),
		"a variable below itself": component("  handler: ${self:a.b}\na: ${self:a.b}\n"),
		"nothing but a variable":  "${self:a}",
		"a mapping in a circle":   component("  events: ${self:a}\na: ${self:b}\nb: ${self:a}\n"),
		"merge of itself":         component("  environment: &e\n    <<: *e\n"),
		"merge of a list":         component("  environment: &e\n    <<: [{<<: *e}]\n"),
		"argument in itself":      component("  events:\n    - timer: {parameters: {cronExpression: '0 0 9 * * * *', argument: &a [*a]}}\n"),
		"arguments that double":   reversed("$a: &$a [*$b, *$b]\n", "Z: &Z x\n") + component("  events:\n    - timer: {parameters: {cronExpression: '0 0 9 * * * *', argument: *A}}\n"),
		"Sub of itself":           sam(samRuntime + samCode + "      Timeout: &s !Sub ['${a}', {a: *s}]\n"),
		"Sub of many bytes":       sam(samRuntime + samCode + "      Timeout: !Sub ['" + strings.Repeat("${a}", 1000) + "', {a: " + strings.Repeat("x", 1000) + "}]\n"),
		"functions of many keys":  "x: &x\n" + many("y") + plugin("aws", "") + functions("*x"),
	}
}

// many returns 5000 lines of a mapping.
func many(text string) string {
	var lines strings.Builder
	for i := range 5000 {
		lines.WriteString("      K" + strings.Repeat("k", i%7) + time.Duration(i).String() + ": " + text + "\n")
	}
	return lines.String()
}

// functions returns 5000 functions.
func functions(text string) string {
	var lines strings.Builder
	for i := range 5000 {
		lines.WriteString("  g" + time.Duration(i).String() + ": " + text + "\n")
	}
	return lines.String()
}

func FuzzRead(f *testing.F) {
	for _, text := range bombs() {
		if len(text) < 10_000 {
			f.Add(text)
		}
	}
	for _, seed := range []string{
		component("  environment: {variables: {A: \"${env.STAGE}${self:name, 'x'}\"}}\n  events:\n    - timer: {parameters: {cronExpression: '*/5 * * * * * *', argument: {a: 1}}}\n    - apigw: {parameters: {endpoints: [{path: /x}]}}\n"),
		plugin("tencent", "    events:\n      - apigw: {parameters: {}}\n"),
		plugin("huawei", "    code: {codeUri: code}\n    events:\n      - triggerTypeCode: APIG\n"),
		plugin("aws", "    events:\n      - http: get x\n      - httpApi: '*'\n      - schedule: {rate: [rate(1 hour)]}\n"),
		sam(samRuntime + samCode + "      Environment: {Variables: {A: !Ref P, B: !Sub ['${X}', {X: y}]}}\n      Events: {T: {Type: Schedule, Properties: {Schedule: cron(0 8 ? * 2 *)}}}\n"),
		devs(devsCode + "      trigger: {triggerTypeCode: TIMER, eventData: {schedule: 3m}}\n"),
		"a: &a [*a]\nb: {<<: [*a]}",
	} {
		f.Add(seed)
	}
	path := folder(f, "file.yml", "")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		file, err := Read(path, environ)
		switch {
		case err == nil && len(file.Functions) == 0:
			t.Error("got neither functions nor an error")
		case err != nil && !strings.HasPrefix(err.Error(), path+":"):
			t.Errorf("got %v, want an error with a line", err)
		}
		if err != nil {
			return
		}
		for _, f := range file.Functions {
			if _, err := os.Stat(f.Code); err != nil || !filepath.IsAbs(f.Code) || f.Line < 1 || f.MemoryMB < 1 || f.Timeout < time.Second {
				t.Errorf("got %+v, %v", f, err)
			}
		}
	})
}

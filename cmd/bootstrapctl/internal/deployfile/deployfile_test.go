package deployfile

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// folder makes a folder with a deploy file, a folder code and a zip, and returns the
// path of the file.
func folder(t testing.TB, name, text string) string {
	t.Helper()
	dir := t.TempDir()
	for _, sub := range []string{"code", "function"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for file, content := range map[string]string{name: text, "function.zip": "", "plain.txt": ""} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, name)
}

// nothing is an environment without variables.
func nothing(string) string { return "" }

// environ is an environment with some.
func environ(name string) string {
	return map[string]string{"STAGE": "prod", "TOKEN": "secret", "BRACES": "${env.TOKEN}"}[name]
}

// read reads a file that has no problem. Paths of code become relative.
func mustRead(t *testing.T, name, text string) *File {
	t.Helper()
	path := folder(t, name, text)
	file, err := Read(path, environ)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range file.Functions {
		code, err := filepath.Rel(filepath.Dir(path), f.Code)
		if err != nil || !filepath.IsAbs(f.Code) {
			t.Fatalf("code of %s: %s: %v", f.Name, f.Code, err)
		}
		file.Functions[i].Code = filepath.ToSlash(code)
	}
	return file
}

func compare(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\ngot  %+v\nwant %+v", what, got, want)
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	if got := Find(dir); got != "" {
		t.Errorf("empty folder: got %q", got)
	}
	if err := os.Mkdir(filepath.Join(dir, "serverless.yml"), 0o777); err != nil {
		t.Fatal(err)
	}
	for i := len(names) - 1; i > 0; i-- {
		if err := os.WriteFile(filepath.Join(dir, names[i]), nil, 0o666); err != nil {
			t.Fatal(err)
		}
		if got, want := Find(dir), filepath.Join(dir, names[i]); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestExamples reads the deploy files of examples/deploy.
func TestExamples(t *testing.T) {
	shell := Function{
		Name: "bootstrap-shell", Handler: "index.main_handler", MemoryMB: 128, Timeout: 3 * time.Second,
		Env: []string{"BOOTSTRAP_LOG_LEVEL=info"},
	}
	for name, change := range map[string]func(f *Function) string{
		"serverless.yml": func(f *Function) string {
			f.Platform, f.Runtime, f.Code, f.InitTimeout, f.Line = "scf", "CustomRuntime", "function", 10*time.Second, 5
			return "component scf"
		},
		"template.yaml": func(f *Function) string {
			f.Platform, f.Runtime, f.Code, f.Line = "lambda", "provided.al2023", "function.zip", 6
			return "SAM"
		},
		"s.yaml": func(f *Function) string {
			f.Platform, f.Runtime, f.Code, f.Line = "functiongraph", "Custom", "function", 8
			return "component fgs"
		},
	} {
		text, err := os.ReadFile(filepath.Join("../../../../examples/deploy", name))
		if err != nil {
			t.Fatal(err)
		}
		want := shell
		format := change(&want)
		file := mustRead(t, name, string(text))
		compare(t, name, file.Functions, []Function{want})
		compare(t, name, file.Format, format)
		compare(t, name, file.Notes, []Note(nil))
	}
}

func TestComponent(t *testing.T) {
	file := mustRead(t, "serverless.yml", `
app: shop
stage: ${env.STAGE}
component: scf
name: hello
inputs:
  src:
    src: ./code
    exclude: ['node_modules/**', '*.log']
  runtime: CustomRuntime
  memorySize: 256
  layers:
    - name: scfLayer
      version: 1
  vpcConfig: {vpcId: vpc-xxx, subnetId: subnet-xxx}
  environment:
    variables:
      STAGE: ${stage}
      PORT: 8080
      EMPTY: ""
      URL: https://${app}.example/${env:TOKEN}?x=$y
  events:
    - timer:
        parameters:
          cronExpression: '*/5 * * * * * *'
          enable: true
          argument: every five seconds
    - timer:
        name: off
        parameters: {cronExpression: '0 0 9 * * * *', argument: {a: 1, b: [true, x]}}
    - apigw:
        parameters:
          environment: test
          serviceName: shop
          endpoints:
            - path: /users
              method: post
              function: {isIntegratedResponse: true}
              isBase64Encoded: true
            - path: users/{id}
              isBase64Encoded: true
              isBase64Trigger: true
    - cos:
        parameters: {bucket: b}
`)
	compare(t, "functions", file.Functions, []Function{{
		Name: "hello-prod-shop", Platform: "scf", Code: "code",
		Handler: "index.main_handler", Runtime: "CustomRuntime", MemoryMB: 256,
		Timeout: 3 * time.Second, InitTimeout: 3 * time.Second,
		Env: []string{"EMPTY=", "PORT=8080", "STAGE=prod", "URL=https://shop.example/secret?x=$y"},
		Triggers: []Trigger{
			{Kind: Timer, Name: "timer-hello-prod-shop", Enabled: true, Line: 23, Cron: "*/5 * * * * * *", Argument: "every five seconds"},
			{Kind: Timer, Name: "off", Line: 28, Cron: "0 0 9 * * * *", Argument: `{"a":1,"b":[true,"x"]}`},
			{Kind: HTTP, Name: "shop", Enabled: true, Line: 36, Gateway: "scf", Path: "/users", Method: "POST", Stage: "test", Integrated: true, Base64: true},
			{Kind: HTTP, Name: "shop", Enabled: true, Line: 40, Gateway: "scf", Path: "/users/{id}", Method: "ANY", Stage: "test"},
		},
		Line: 6,
	}})
	compare(t, "notes", file.Notes, []Note{
		{9, "function hello-prod-shop: src.exclude is not applied: the code is used as it is"},
		{12, "function hello-prod-shop: layers are not added"},
		{15, "function hello-prod-shop: there is no private network"},
		{42, "function hello-prod-shop: the rules for base64 are ignored: bodies are not encoded"},
		{43, "function hello-prod-shop: the local platform sends no events of cos"},
	})
}

func TestPluginTencent(t *testing.T) {
	file := mustRead(t, "serverless.yml", `
service: shop
provider:
  name: tencent
  runtime: CustomRuntime
  timeout: 10
  environment: {variables: {A: provider, B: provider}}
package: {artifact: function.zip}
functions:
  one:
    handler: index.one
    timeout: 20
    environment: {variables: {B: own}}
    events:
      - timer: {name: tick, parameters: {cronExpression: '*/5 * * * *'}}
      - timer: {name: off, parameters: {cronExpression: '0 0 9 * * * *', enable: false}}
      - apigw: {name: web, parameters: {stageName: test, httpMethod: GET, integratedResponse: true}}
      - cmq: {name: q}
  two: {package: {artifact: ./function.zip}}
`)
	compare(t, "functions", file.Functions, []Function{
		{
			Name: "one", Platform: "scf", Code: "function.zip", Handler: "index.one", Runtime: "CustomRuntime", MemoryMB: 128,
			Timeout: 20 * time.Second, InitTimeout: 65 * time.Second, Env: []string{"A=provider", "B=own"}, Line: 10,
			Triggers: []Trigger{
				{Kind: Timer, Name: "tick", Enabled: true, Line: 15, Cron: "*/5 * * * *"},
				{Kind: Timer, Name: "off", Line: 16, Cron: "0 0 9 * * * *"},
				{Kind: HTTP, Name: "web", Enabled: true, Line: 17, Gateway: "scf", Path: "/one", Method: "GET", Stage: "test", Integrated: true},
			},
		},
		{
			Name: "two", Platform: "scf", Code: "function.zip", Handler: "index.main_handler", Runtime: "CustomRuntime", MemoryMB: 128,
			Timeout: 10 * time.Second, InitTimeout: 65 * time.Second, Env: []string{"A=provider", "B=provider"}, Line: 19,
		},
	})
	compare(t, "notes", file.Notes, []Note{{18, "function one: the local platform sends no events of cmq"}})
}

func TestPluginHuawei(t *testing.T) {
	file := mustRead(t, "serverless.yml", `
provider: {name: huawei, runtime: Custom}
functions:
  one:
    package: default
    code: {codeUri: ./code}
    agencyName: a
    userData: {A: b}
    concurrency: 5
    events:
      - apigw: {env_name: TEST, req_method: POST, path: /test, name: API_test}
      - apigw: {}
      - triggerTypeCode: TIMER
        status: DISABLED
        eventData: {name: t, schedule: 3m, userEvent: hi}
      - obs: {bucket: b}
  two: {environment: {C: d}, memorySize: 512, initializerTimeout: 7, concurrency: 0}
`)
	compare(t, "functions", file.Functions, []Function{
		{
			Name: "one", Platform: "functiongraph", Code: "code", Handler: "index.handler", Runtime: "Custom", MemoryMB: 256,
			Timeout: 30 * time.Second, Env: []string{"A=b"}, Concurrency: 5, Line: 4,
			Triggers: []Trigger{
				{Kind: HTTP, Name: "API_test", Enabled: true, Line: 11, Gateway: "functiongraph", Path: "/test", Method: "POST", Stage: "TEST", Integrated: true},
				{Kind: HTTP, Name: "apigw", Enabled: true, Line: 12, Gateway: "functiongraph", Path: "/one", Method: "GET", Stage: "RELEASE", Integrated: true},
				{Kind: Timer, Name: "t", Line: 13, Cron: "3m", Argument: "hi"},
			},
		},
		{
			Name: "two", Platform: "functiongraph", Code: ".",
			Handler: "index.handler", Runtime: "Custom", MemoryMB: 512, Timeout: 30 * time.Second, InitTimeout: 7 * time.Second, Env: []string{"C=d"}, Line: 17,
		},
	})
	compare(t, "notes", file.Notes, []Note{
		{7, "function one: the function gets no credentials of an agency"},
		{16, "function one: the local platform sends no events of obs"},
		{17, "function two: a concurrency of 0 disables the function in the cloud, but not here"},
	})
}

func TestPluginAWS(t *testing.T) {
	file := mustRead(t, "serverless.yml", `
service: shop
provider:
  name: aws
  runtime: provided.al2023
  stage: ${opt:stage, 'beta'}
  environment:
    STAGE: ${self:provider.stage}
custom:
  beta: {memory: 512, env: {TABLE: "t-${sls:stage}"}}
package:
  patterns: ['!secret/**', '**', 'extra/**']
  exclude: ['*.md']
  include: [a]
functions:
  one:
    name: shop-one
    handler: bootstrap
    memorySize: ${self:custom.${sls:stage}.memory}
    environment: ${self:custom.${sls:stage}.env}
    layers: [arn]
    reservedConcurrency: 3
    events:
      - http: get users/{id}
      - http: {path: /x, method: any}
      - httpApi: 'POST /orders'
      - httpApi: '*'
      - httpApi: {path: /z, method: '*'}
      - schedule: rate(5 minutes)
      - schedule: {rate: rate(1 day)}
      - schedule: {name: n, rate: ['rate(1 hour)', cron(0 8 ? * MON-FRI *)], enabled: false, input: {k: "v"}, timezone: Europe/Berlin}
      - sqs: arn
      - alexaSkill
`)
	compare(t, "functions", file.Functions, []Function{{
		Name: "shop-one", Platform: "lambda", Code: ".",
		Handler: "bootstrap", Runtime: "provided.al2023", MemoryMB: 512, Timeout: 6 * time.Second,
		Env: []string{"STAGE=beta", "TABLE=t-beta"}, Concurrency: 3, Line: 16,
		Triggers: []Trigger{
			{Kind: HTTP, Name: "http", Enabled: true, Line: 24, Gateway: "aws-v1", Path: "/users/{id}", Method: "GET", Stage: "beta", Integrated: true},
			{Kind: HTTP, Name: "http", Enabled: true, Line: 25, Gateway: "aws-v1", Path: "/x", Method: "ANY", Stage: "beta", Integrated: true},
			{Kind: HTTP, Name: "httpApi", Enabled: true, Line: 26, Gateway: "aws-v2", Path: "/orders", Method: "POST", Stage: AnyPath, Integrated: true},
			{Kind: HTTP, Name: "httpApi", Enabled: true, Line: 27, Gateway: "aws-v2", Path: AnyPath, Method: "ANY", Stage: AnyPath, Integrated: true},
			{Kind: HTTP, Name: "httpApi", Enabled: true, Line: 28, Gateway: "aws-v2", Path: "/z", Method: "ANY", Stage: AnyPath, Integrated: true},
			{Kind: Timer, Name: "schedule", Enabled: true, Line: 29, Cron: "rate(5 minutes)"},
			{Kind: Timer, Name: "schedule", Enabled: true, Line: 30, Cron: "rate(1 day)"},
			{Kind: Timer, Name: "n", Line: 31, Cron: "rate(1 hour)", Argument: `{"k":"v"}`},
			{Kind: Timer, Name: "n", Line: 31, Cron: "cron(0 8 ? * MON-FRI *)", Argument: `{"k":"v"}`},
		},
	}})
	compare(t, "notes", file.Notes, []Note{
		{12, "function shop-one: package.patterns is not applied: the whole folder is the code"},
		{13, "function shop-one: package.exclude is not applied: the whole folder is the code"},
		{14, "function shop-one: package.include is not applied: the whole folder is the code"},
		{21, "function shop-one: layers are not added"},
		{31, "function shop-one: the time zone is not applied: the schedule is in UTC"},
		{32, "function shop-one: the local platform sends no events of sqs"},
		{33, "function shop-one: the local platform sends no events of alexaSkill"},
	})
}

func TestSAM(t *testing.T) {
	file := mustRead(t, "template.yaml", `
Transform: AWS::Serverless-2016-10-31
Parameters:
  Stage: {Type: String, Default: dev}
  Memory: {Type: Number, Default: 512}
Globals:
  Function:
    Runtime: provided.al2023
    Handler: bootstrap
    CodeUri: code/
    Timeout: 10
    Tracing: Active
    Environment:
      Variables: {A: global, B: global}
Resources:
  Table: {Type: AWS::DynamoDB::Table}
  One:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: makefile}
    Condition: Always
    Properties:
      FunctionName: !Sub "shop-${Stage}-${!Literal}"
      MemorySize: !Ref Memory
      Role: !GetAtt Role.Arn
      ReservedConcurrentExecutions: 2
      Environment:
        Variables:
          B: {Ref: Stage}
          C: !Sub ["${X}-${Stage}", {X: !Ref Stage}]
          D: {"Fn::Sub": "${Stage}!"}
      FunctionUrlConfig: {AuthType: NONE}
      Events:
        Rest: {Type: Api, Properties: {Path: /x, Method: get}}
        Web: {Type: HttpApi, Properties: {Path: "/{proxy+}", Method: post}}
        Old: {Type: HttpApi, Properties: {PayloadFormatVersion: "1.0"}}
        All: {Type: HttpApi}
        Tick: {Type: Schedule, Properties: {Schedule: rate(1 minute), Input: '{"a":1}', Enabled: false}}
        Tock: {Type: ScheduleV2, Properties: {ScheduleExpression: cron(0 8 L * ? *), State: DISABLED, ScheduleExpressionTimezone: Asia/Tokyo}}
        Queue: {Type: SQS}
  Two:
    Type: AWS::Lambda::Function
    Properties: {Code: function.zip, Runtime: provided.al2, Handler: x.y, ReservedConcurrentExecutions: 0}
`)
	compare(t, "functions", file.Functions, []Function{
		{
			Name: "shop-dev-${Literal}", Platform: "lambda", Code: "code", Handler: "bootstrap", Runtime: "provided.al2023", MemoryMB: 512,
			Timeout: 10 * time.Second, Env: []string{"A=global", "B=dev", "C=dev-dev", "D=dev!"}, Concurrency: 2, Line: 17,
			Triggers: []Trigger{
				{Kind: HTTP, Name: "Rest", Enabled: true, Line: 33, Gateway: "aws-v1", Path: "/x", Method: "GET", Stage: "Prod", Integrated: true},
				{Kind: HTTP, Name: "Web", Enabled: true, Line: 34, Gateway: "aws-v2", Path: "/{proxy+}", Method: "POST", Stage: AnyPath, Integrated: true},
				{Kind: HTTP, Name: "Old", Enabled: true, Line: 35, Gateway: "aws-v1", Path: AnyPath, Method: "ANY", Stage: AnyPath, Integrated: true},
				{Kind: HTTP, Name: "All", Enabled: true, Line: 36, Gateway: "aws-v2", Path: AnyPath, Method: "ANY", Stage: AnyPath, Integrated: true},
				{Kind: Timer, Name: "Tick", Line: 37, Cron: "rate(1 minute)", Argument: `{"a":1}`},
				{Kind: Timer, Name: "Tock", Line: 38, Cron: "cron(0 8 L * ? *)"},
				{Kind: HTTP, Name: "function-url", Enabled: true, Line: 31, Gateway: "url", Path: AnyPath, Method: "ANY", Stage: AnyPath, Integrated: true},
			},
		},
		{
			Name: "Two", Platform: "lambda", Code: "function.zip", Handler: "x.y", Runtime: "provided.al2", MemoryMB: 128,
			Timeout: 3 * time.Second, Line: 40,
		},
	})
	var notes []string
	for _, n := range file.Notes {
		notes = append(notes, strings.TrimPrefix(n.Text, "function shop-dev-${Literal}: "))
	}
	compare(t, "notes", notes, []string{
		"nothing is traced",
		"BuildMethod makefile is not run: the code is used as it is",
		"its condition is not evaluated",
		"the function gets no credentials of a role",
		"the time zone is not applied: the schedule is in UTC",
		`cannot read the schedule "cron(0 8 L * ? *)": last day (L), nearest weekday (W) and nth weekday (#) are not supported here: fire the timer yourself`,
		"the local platform sends no events of SQS",
		"function Two: a concurrency of 0 disables the function in the cloud, but not here",
	})
}

func TestDevs(t *testing.T) {
	file := mustRead(t, "s.yaml", `
edition: 1.0.0
vars:
  region: cn-east-3
  prefix: shop-${env(STAGE)}
x-base: &base
  runtime: Custom
  codeType: zip
  code: {codeUri: ./code}
services:
  one:
    component: huaweicloud/fgs@1.0.3
    props:
      region: ${vars.region}
      function:
        <<: *base
        functionName: ${vars.prefix}-one
        concurrency: -1
        concurrentNum: 10
        vpcId: x
      trigger:
        triggerTypeCode: TIMER
        eventData: {name: t, scheduleType: Cron, schedule: 0 15 2 * * ?}
  two:
    component: fgs
    props:
      function: {<<: [*base], handler: a.b, memorySize: 256, timeout: 60, concurrency: 4, environmentVariables: {R: "${vars.region}"}}
      triggers:
        - triggerTypeCode: APIG
          eventData: {name: APIG_test, groupName: g, reqMethod: GET}
        - triggerTypeCode: OBS
`)
	compare(t, "functions", file.Functions, []Function{
		{
			Name: "shop-prod-one", Platform: "functiongraph", Code: "code", Handler: "index.handler", Runtime: "Custom", MemoryMB: 128,
			Timeout: 30 * time.Second, Line: 11,
			Triggers: []Trigger{{Kind: Timer, Name: "t", Enabled: true, Line: 22, Cron: "0 15 2 * * ?"}},
		},
		{
			Name: "two", Platform: "functiongraph", Code: "code", Handler: "a.b", Runtime: "Custom", MemoryMB: 256,
			Timeout: 60 * time.Second, Concurrency: 4, Env: []string{"R=cn-east-3"}, Line: 24,
			Triggers: []Trigger{{Kind: HTTP, Name: "APIG_test", Enabled: true, Line: 29, Gateway: "functiongraph", Path: "/APIG_test", Method: "GET", Stage: "RELEASE", Integrated: true}},
		},
	})
	compare(t, "notes", file.Notes, []Note{
		{19, "function shop-prod-one: an instance serves one event at a time"},
		{20, "function shop-prod-one: there is no private network"},
		{31, "function two: the local platform sends no events of OBS"},
	})
}

// TestLarge reads as many functions as a template of AWS can have.
func TestLarge(t *testing.T) {
	var text strings.Builder
	text.WriteString("Globals: {Function: {Runtime: provided.al2, Handler: h, CodeUri: code}}\nParameters: {P: {Default: x}}\nResources:\n")
	for i := range 500 {
		fmt.Fprintf(&text, "  F%d:\n    Type: AWS::Serverless::Function\n    Properties:\n      Environment:\n        Variables:\n", i)
		for n := range 40 {
			fmt.Fprintf(&text, "          V%d: !Ref P\n", n)
		}
	}
	if got := len(mustRead(t, "template.yaml", text.String()).Functions); got != 500 {
		t.Errorf("got %d functions, want 500", got)
	}
}

// TestMisspelt checks that keys which nothing reads are noted if another was meant.
func TestMisspelt(t *testing.T) {
	file := mustRead(t, "serverless.yml", component(`  memorysize: 256
  description: none
  timeout: 5
  timeouts: 6
  events:
    - timer: {parameters: {cronExpression: '0 0 9 * * * *', enabled: true}}
`))
	compare(t, "notes", file.Notes, []Note{
		{6, "unknown key memorysize: did you mean memorySize?"},
		{11, "unknown key enabled: did you mean enable?"},
	})
}

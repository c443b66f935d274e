package sdkaws

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
)

// newClient returns a client that knows the endpoint from the environment only.
func newClient(t *testing.T, options ...func(*lambda.Options)) *lambda.Client {
	t.Helper()
	t.Setenv("AWS_ENDPOINT_URL_LAMBDA", server.Endpoint)
	conf, err := config.LoadDefaultConfig(context.Background(), config.WithRegion("eu-west-1"),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")))
	if err != nil {
		t.Fatal(err)
	}
	return lambda.NewFromConfig(conf, options...)
}

// create creates a function, and waits until it is active.
func create(t *testing.T, c *lambda.Client, name string) *lambda.CreateFunctionOutput {
	t.Helper()
	out, err := c.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
		FunctionName: &name, Runtime: types.RuntimeProvidedal2023, Handler: aws.String("index.main_handler"),
		Role: aws.String("arn:aws:iam::000000000000:role/x"), Code: &types.FunctionCode{ZipFile: server.Zip},
		Timeout: aws.Int32(10), MemorySize: aws.Int32(256), Environment: &types.Environment{Variables: map[string]string{"NAME": "value"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = c.DeleteFunction(context.Background(), &lambda.DeleteFunctionInput{FunctionName: &name})
	})
	if err := lambda.NewFunctionActiveV2Waiter(c).Wait(t.Context(), &lambda.GetFunctionInput{FunctionName: &name}, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestGoLife(t *testing.T) {
	c, ctx, name := newClient(t), t.Context(), "go-life"
	created := create(t, c, name)
	if *created.FunctionArn != "arn:aws:lambda:eu-west-1:000000000000:function:go-life" || created.CodeSize != int64(len(server.Zip)) || created.State != types.StateActive {
		t.Errorf("got %+v", created)
	}
	got, err := c.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: created.FunctionArn})
	if err != nil {
		t.Fatal(err)
	}
	if *got.Configuration.CodeSha256 != *created.CodeSha256 || got.Configuration.Environment.Variables["NAME"] != "value" {
		t.Errorf("got %+v", got.Configuration)
	}
	if code := fetch(t, *got.Code.Location); !bytes.Equal(code, server.Zip) {
		t.Errorf("the code has %d bytes, want %d", len(code), len(server.Zip))
	}
	changed, err := c.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: &name, Timeout: aws.Int32(5)})
	if err != nil || *changed.Timeout != 5 || *changed.MemorySize != 256 {
		t.Errorf("got %+v, %v", changed, err)
	}
	if err := lambda.NewFunctionUpdatedV2Waiter(c).Wait(ctx, &lambda.GetFunctionInput{FunctionName: &name}, 5*time.Second); err != nil {
		t.Error(err)
	}
	if _, err := c.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: &name, ZipFile: server.Zip}); err != nil {
		t.Error(err)
	}
	if _, err := c.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: &name}); err != nil {
		t.Error(err)
	}
	var missing *types.ResourceNotFoundException
	if _, err := c.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: &name}); !errors.As(err, &missing) || missing.Message == nil {
		t.Errorf("got %v", err)
	}
}

// fetch gets the target of a link.
func fetch(t *testing.T, link string) []byte {
	t.Helper()
	response, err := http.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("%s: %v", response.Status, err)
	}
	return content
}

func TestGoList(t *testing.T) {
	c := newClient(t)
	for _, name := range []string{"go-list-a", "go-list-b", "go-list-c"} {
		create(t, c, name)
	}
	var names []string
	pages := lambda.NewListFunctionsPaginator(c, &lambda.ListFunctionsInput{MaxItems: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range page.Functions {
			names = append(names, *f.FunctionName)
		}
	}
	if got := strings.Join(names, " "); got != "function go-list-a go-list-b go-list-c" {
		t.Errorf("got %s", got)
	}
}

func TestGoInvoke(t *testing.T) {
	c, ctx, name := newClient(t), t.Context(), "go-invoke"
	create(t, c, name)
	cold, err := c.Invoke(ctx, &lambda.InvokeInput{FunctionName: &name, Payload: []byte(`{"n":1}`), LogType: types.LogTypeTail,
		ClientContext: aws.String(base64.StdEncoding.EncodeToString([]byte(`{"custom":{}}`)))})
	if err != nil {
		t.Fatal(err)
	}
	log, err := base64.StdEncoding.DecodeString(aws.ToString(cold.LogResult))
	if cold.StatusCode != 200 || string(cold.Payload) != `{"n":1}` || *cold.ExecutedVersion != "$LATEST" || cold.FunctionError != nil || err != nil ||
		!strings.Contains(string(log), "\nevent: {\"n\":1}\n") || !strings.Contains(string(log), "Init Duration: ") {
		t.Errorf("got %+v, %s, %v", cold, log, err)
	}
	failed, err := c.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String(name + ":live"), Payload: []byte(`"fail"`)})
	if err != nil || aws.ToString(failed.FunctionError) != "Unhandled" || failed.StatusCode != 200 || !strings.Contains(string(failed.Payload), "errorMessage") {
		t.Errorf("got %+v, %v", failed, err)
	}
	later, err := c.Invoke(ctx, &lambda.InvokeInput{FunctionName: &name, InvocationType: types.InvocationTypeEvent, Payload: []byte(`{}`)})
	if err != nil || later.StatusCode != 202 || len(later.Payload) != 0 {
		t.Errorf("got %+v, %v", later, err)
	}
	dry, err := c.Invoke(ctx, &lambda.InvokeInput{FunctionName: &name, InvocationType: types.InvocationTypeDryRun, Qualifier: aws.String("$LATEST")})
	if err != nil || dry.StatusCode != 204 {
		t.Errorf("got %+v, %v", dry, err)
	}
}

func TestGoErrors(t *testing.T) {
	c, ctx, name := newClient(t, func(o *lambda.Options) { o.RetryMaxAttempts = 1 }), t.Context(), "go-errors"
	create(t, c, name)
	_, err := c.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String("missing")})
	expect(t, err, "ResourceNotFoundException", new(*types.ResourceNotFoundException))
	_, err = c.Invoke(ctx, &lambda.InvokeInput{FunctionName: &name, Payload: []byte("no JSON")})
	expect(t, err, "InvalidRequestContentException", new(*types.InvalidRequestContentException))
	_, err = c.Invoke(ctx, &lambda.InvokeInput{FunctionName: &name, Payload: bytes.Repeat([]byte(" "), 7<<20)})
	expect(t, err, "RequestTooLargeException", new(*types.RequestTooLargeException))
	_, err = c.InvokeWithResponseStream(ctx, &lambda.InvokeWithResponseStreamInput{FunctionName: &name})
	expect(t, err, "InvalidParameterValueException", new(*types.InvalidParameterValueException))
	_, err = c.CreateFunction(ctx, &lambda.CreateFunctionInput{FunctionName: &name, Role: aws.String("arn:aws:iam::000000000000:role/x"),
		Runtime: types.RuntimeProvidedal2, Handler: aws.String("x"), Code: &types.FunctionCode{ZipFile: server.Zip}})
	expect(t, err, "ResourceConflictException", new(*types.ResourceConflictException))
	_, err = c.CreateFunction(ctx, &lambda.CreateFunctionInput{FunctionName: aws.String("other"), Role: aws.String("arn:aws:iam::000000000000:role/x"),
		Runtime: types.RuntimeNodejs22x, Handler: aws.String("x"), Code: &types.FunctionCode{ZipFile: server.Zip}})
	expect(t, err, "InvalidParameterValueException", new(*types.InvalidParameterValueException))

	if _, err := c.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: &name, ReservedConcurrentExecutions: aws.Int32(0)}); err != nil {
		t.Fatal(err)
	}
	_, err = c.Invoke(ctx, &lambda.InvokeInput{FunctionName: &name})
	busy := new(*types.TooManyRequestsException)
	if expect(t, err, "TooManyRequestsException", busy); *busy != nil && (*busy).Reason != types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded {
		t.Errorf("got %+v", *busy)
	}
}

// Only requests that a known key has signed are served.
func TestGoSignature(t *testing.T) {
	for code, key := range map[string]aws.CredentialsProvider{
		"UnrecognizedClientException":         credentials.NewStaticCredentialsProvider("AKIDOTHER", "secret", ""),
		"InvalidSignatureException":           credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "other", ""),
		"MissingAuthenticationTokenException": aws.AnonymousCredentials{},
	} {
		c := newClient(t, func(o *lambda.Options) { o.Credentials, o.RetryMaxAttempts = key, 1 })
		_, err := c.ListFunctions(t.Context(), &lambda.ListFunctionsInput{})
		expect(t, err, code, new(smithy.APIError))
	}
}

// expect checks the type and the code of an error, and that it has a message.
func expect(t *testing.T, err error, code string, target any) {
	t.Helper()
	var general smithy.APIError
	if !errors.As(err, target) || !errors.As(err, &general) || general.ErrorCode() != code || general.ErrorMessage() == "" {
		t.Errorf("got %v, want %s", err, code)
	}
}

// These are the attributes that Terraform reads and writes for a function.
func TestGoAttributes(t *testing.T) {
	c, ctx, name := newClient(t), t.Context(), "go-attributes"
	arn := create(t, c, name).FunctionArn
	if _, err := c.TagResource(ctx, &lambda.TagResourceInput{Resource: arn, Tags: map[string]string{"a b": "1", "c": "2"}}); err != nil {
		t.Error(err)
	}
	if _, err := c.UntagResource(ctx, &lambda.UntagResourceInput{Resource: arn, TagKeys: []string{"a b"}}); err != nil {
		t.Error(err)
	}
	if tags, err := c.ListTags(ctx, &lambda.ListTagsInput{Resource: arn}); err != nil || len(tags.Tags) != 1 || tags.Tags["c"] != "2" {
		t.Errorf("got %+v, %v", tags, err)
	}
	versions, err := c.ListVersionsByFunction(ctx, &lambda.ListVersionsByFunctionInput{FunctionName: &name})
	if err != nil || len(versions.Versions) != 1 || *versions.Versions[0].Version != "$LATEST" {
		t.Errorf("got %+v, %v", versions, err)
	}
	if signing, err := c.GetFunctionCodeSigningConfig(ctx, &lambda.GetFunctionCodeSigningConfigInput{FunctionName: &name}); err != nil || aws.ToString(signing.CodeSigningConfigArn) != "" {
		t.Errorf("got %+v, %v", signing, err)
	}
	_, err = c.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: &name})
	expect(t, err, "ResourceNotFoundException", new(*types.ResourceNotFoundException))
	if _, err := c.AddPermission(ctx, &lambda.AddPermissionInput{FunctionName: &name, StatementId: aws.String("s"), Action: aws.String("lambda:InvokeFunctionUrl"), Principal: aws.String("*")}); err != nil {
		t.Error(err)
	}
	if policy, err := c.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: &name}); err != nil || !strings.Contains(*policy.Policy, `"Sid":"s"`) {
		t.Errorf("got %+v, %v", policy, err)
	}
	url, err := c.CreateFunctionUrlConfig(ctx, &lambda.CreateFunctionUrlConfigInput{FunctionName: &name, AuthType: types.FunctionUrlAuthTypeNone})
	if err != nil || *url.FunctionUrl != server.Endpoint+"/apigw/"+name+"/" {
		t.Errorf("got %+v, %v", url, err)
	}
	if got := string(fetch(t, *url.FunctionUrl+"a/b?c=d")); !strings.Contains(got, `"rawPath":"/a/b"`) || !strings.Contains(got, `"version":"2.0"`) {
		t.Errorf("the function URL answers %s", got)
	}
	if _, err := c.DeleteFunctionUrlConfig(ctx, &lambda.DeleteFunctionUrlConfigInput{FunctionName: &name}); err != nil {
		t.Error(err)
	}
	if limit, err := c.GetFunctionConcurrency(ctx, &lambda.GetFunctionConcurrencyInput{FunctionName: &name}); err != nil || limit.ReservedConcurrentExecutions != nil {
		t.Errorf("got %+v, %v", limit, err)
	}
	if limit, err := c.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: &name, ReservedConcurrentExecutions: aws.Int32(2)}); err != nil || *limit.ReservedConcurrentExecutions != 2 {
		t.Errorf("got %+v, %v", limit, err)
	}
	if _, err := c.DeleteFunctionConcurrency(ctx, &lambda.DeleteFunctionConcurrencyInput{FunctionName: &name}); err != nil {
		t.Error(err)
	}
}

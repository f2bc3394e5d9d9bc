package aws

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/seed-77750964/regain/controller"
)

// parameterBatch is the most that GetParameters takes.
const parameterBatch = 10

// Parameters looks names up without decrypting.
func (c *Cloud) Parameters(ctx context.Context, names ...string) ([]controller.Parameter, error) {
	var found []controller.Parameter
	for chunk := range slices.Chunk(names, parameterBatch) {
		out, err := call(ctx, c.ssm.GetParameters, &ssm.GetParametersInput{Names: chunk, WithDecryption: sdk.Bool(false)})
		if err != nil {
			return nil, err
		}
		for _, p := range out.Parameters {
			found = append(found, parameter(p))
		}
	}
	return found, nil
}

func parameter(p types.Parameter) controller.Parameter {
	return controller.Parameter{
		Name: sdk.ToString(p.Name), Type: string(p.Type), Version: p.Version, Modified: sdk.ToTime(p.LastModifiedDate), ARN: sdk.ToString(p.ARN),
	}
}

// Secret decrypts a parameter. The SDK keeps a copy of its own until it is
// collected: strings cannot be wiped.
func (c *Cloud) Secret(ctx context.Context, name string, version int64) ([]byte, controller.Parameter, error) {
	selected := name
	if version != 0 {
		selected += ":" + strconv.FormatInt(version, 10)
	}
	out, err := call(ctx, c.ssm.GetParameter, &ssm.GetParameterInput{Name: &selected, WithDecryption: sdk.Bool(true)})
	if err != nil {
		return nil, controller.Parameter{}, err
	}
	return []byte(sdk.ToString(out.Parameter.Value)), parameter(*out.Parameter), nil
}

// Public reads a public parameter of AWS.
func (c *Cloud) Public(ctx context.Context, name string) (string, error) {
	out, err := call(ctx, c.ssm.GetParameter, &ssm.GetParameterInput{Name: &name})
	if err != nil {
		return "", err
	}
	return sdk.ToString(out.Parameter.Value), nil
}

// StoreSecret writes a SecureString. No error of it quotes the value.
func (c *Cloud) StoreSecret(ctx context.Context, name string, value []byte, kmsKey, description string, overwrite bool) (int64, error) {
	in := &ssm.PutParameterInput{
		Name: &name, Value: sdk.String(string(value)), Type: types.ParameterTypeSecureString, Description: &description, Overwrite: &overwrite,
	}
	if kmsKey != "" {
		in.KeyId = &kmsKey
	}
	out, err := call(ctx, c.ssm.PutParameter, in)
	if err != nil {
		return 0, withhold(err, value)
	}
	return out.Version, nil
}

// withhold takes the words out of an error that quotes a line of the secret:
// AWS repeats a value that it finds invalid.
func withhold(err error, secret []byte) error {
	var failed *controller.CloudError
	if !errors.As(err, &failed) {
		return err
	}
	for line := range bytes.Lines(secret) {
		if line = bytes.TrimSpace(line); len(line) > 0 && strings.Contains(failed.Message, string(line)) {
			failed.Message = "the answer is withheld, because it quotes the secret"
		}
	}
	return failed
}

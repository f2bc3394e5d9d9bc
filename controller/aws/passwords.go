package aws

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/seed-77750964/regain/controller"
)

// PasswordData is what the launch agent has told. EC2 puts line ends around the
// base64.
func (c *Cloud) PasswordData(ctx context.Context, instance string) (controller.PasswordData, error) {
	out, err := call(ctx, c.ec2.GetPasswordData, &ec2.GetPasswordDataInput{InstanceId: &instance})
	if err != nil {
		return controller.PasswordData{}, err
	}
	cipher, err := base64.StdEncoding.DecodeString(strings.TrimSpace(sdk.ToString(out.PasswordData)))
	if err != nil {
		return controller.PasswordData{}, errors.New("cannot read the password data: it is not base64")
	}
	return controller.PasswordData{Cipher: cipher, At: sdk.ToTime(out.Timestamp)}, nil
}

// Console is the newest that EC2 has: at once of an instance on Nitro, and of
// others what was kept a while after a start.
func (c *Cloud) Console(ctx context.Context, instance string) ([]byte, error) {
	out, err := call(ctx, c.ec2.GetConsoleOutput, &ec2.GetConsoleOutputInput{InstanceId: &instance, Latest: sdk.Bool(true)})
	if failed := (*controller.CloudError)(nil); errors.As(err, &failed) && failed.Code == "UnsupportedOperation" {
		out, err = call(ctx, c.ec2.GetConsoleOutput, &ec2.GetConsoleOutputInput{InstanceId: &instance})
	}
	if err != nil {
		return nil, err
	}
	text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(sdk.ToString(out.Output)))
	if err != nil {
		return nil, errors.New("cannot read the console's output: it is not base64")
	}
	return text, nil
}

package aws

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/seed-77750964/regain/controller"
)

// shellScript is the document that runs the lines of a script as root.
const shellScript = "AWS-RunShellScript"

// managedPage is the most that DescribeInstanceInformation gives at once.
const managedPage = 50

// Managed lists those of the instances that Systems Manager knows.
func (c *Cloud) Managed(ctx context.Context, ids ...string) ([]controller.Managed, error) {
	var found []controller.Managed
	for chunk := range slices.Chunk(ids, managedPage) {
		in := &ssm.DescribeInstanceInformationInput{
			MaxResults: sdk.Int32(managedPage),
			Filters:    []types.InstanceInformationStringFilter{{Key: sdk.String("InstanceIds"), Values: chunk}},
		}
		err := pages(ctx, ssm.NewDescribeInstanceInformationPaginator(c.ssm, in), func(out *ssm.DescribeInstanceInformationOutput) {
			for _, i := range out.InstanceInformationList {
				found = append(found, controller.Managed{
					ID: sdk.ToString(i.InstanceId), Online: i.PingStatus == types.PingStatusOnline, Ping: string(i.PingStatus), Version: sdk.ToString(i.AgentVersion),
				})
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// Send runs a script on up to 50 instances.
func (c *Cloud) Send(ctx context.Context, command controller.Command, instances ...string) (string, error) {
	out, err := call(ctx, c.ssm.SendCommand, &ssm.SendCommandInput{
		DocumentName: sdk.String(shellScript), InstanceIds: instances, Comment: &command.Comment, TimeoutSeconds: sdk.Int32(seconds(command.Delivery)),
		Parameters: map[string][]string{"commands": command.Script, "executionTimeout": {strconv.Itoa(int(seconds(command.Timeout)))}},
	})
	if err != nil {
		return "", err
	}
	return sdk.ToString(out.Command.CommandId), nil
}

// seconds is at least what Run Command takes for the least.
func seconds(d time.Duration) int32 {
	const least = 30
	return int32(max(least, min(d/time.Second, 172800)))
}

// CommandsNamed finds the commands with a comment, newest first.
func (c *Cloud) CommandsNamed(ctx context.Context, instance, comment string) ([]string, error) {
	var found []types.Command
	in := &ssm.ListCommandsInput{InstanceId: &instance, MaxResults: sdk.Int32(managedPage)}
	err := pages(ctx, ssm.NewListCommandsPaginator(c.ssm, in), func(out *ssm.ListCommandsOutput) {
		for _, command := range out.Commands {
			if sdk.ToString(command.Comment) == comment {
				found = append(found, command)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(found, func(a, b types.Command) int {
		return sdk.ToTime(b.RequestedDateTime).Compare(sdk.ToTime(a.RequestedDateTime))
	})
	var ids []string
	for _, command := range found {
		ids = append(ids, sdk.ToString(command.CommandId))
	}
	return ids, nil
}

// Invocation is how a command goes on an instance.
func (c *Cloud) Invocation(ctx context.Context, command, instance string) (controller.Invocation, error) {
	out, err := call(ctx, c.ssm.GetCommandInvocation, &ssm.GetCommandInvocationInput{CommandId: &command, InstanceId: &instance})
	if err != nil {
		return controller.Invocation{}, err
	}
	return controller.Invocation{
		Status: string(out.Status), Details: cmp.Or(sdk.ToString(out.StatusDetails), string(out.Status)), Code: int(out.ResponseCode),
		Stdout: sdk.ToString(out.StandardOutputContent), Stderr: sdk.ToString(out.StandardErrorContent),
	}, nil
}

// Cancel asks for the end of a command.
func (c *Cloud) Cancel(ctx context.Context, command string, instances ...string) error {
	return do(ctx, c.ssm.CancelCommand, &ssm.CancelCommandInput{CommandId: &command, InstanceIds: instances})
}

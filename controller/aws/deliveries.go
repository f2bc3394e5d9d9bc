package aws

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/seed-77750964/regain/controller"
)

// Names of buckets are the world's, so every call but the link says whose bucket
// is meant: one of another account with the name of ours is refused by S3.

// BucketExists tells whether the account has the bucket. One that belongs to
// somebody else is Denied.
func (c *Cloud) BucketExists(ctx context.Context, bucket string) (bool, error) {
	owner, err := c.account(ctx)
	if err != nil {
		return false, err
	}
	err = do(ctx, c.s3.HeadBucket, &s3.HeadBucketInput{Bucket: &bucket, ExpectedBucketOwner: owner})
	if is(err, controller.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// Deliver puts an object. S3 computes the SHA-256 anew and refuses another.
func (c *Cloud) Deliver(ctx context.Context, bucket, key string, body []byte) error {
	owner, err := c.account(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, uploadLimit)
	defer cancel()
	sum := sha256.Sum256(body)
	_, err = c.s3.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &bucket, Key: &key, Body: bytes.NewReader(body), ContentLength: sdk.Int64(int64(len(body))), ExpectedBucketOwner: owner,
		ChecksumAlgorithm: types.ChecksumAlgorithmSha256, ChecksumSHA256: sdk.String(base64.StdEncoding.EncodeToString(sum[:])),
	})
	return failure(err)
}

// Link presigns the download of an object. It is valid no longer than the
// credentials that sign it.
func (c *Cloud) Link(ctx context.Context, bucket, key string, valid time.Duration) (string, error) {
	out, err := c.presign.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key}, s3.WithPresignExpires(valid))
	if err != nil {
		return "", failure(err)
	}
	return out.URL, nil
}

// Undeliver removes an object, if it is there.
func (c *Cloud) Undeliver(ctx context.Context, bucket, key string) error {
	owner, err := c.account(ctx)
	if err != nil {
		return err
	}
	return do(ctx, c.s3.DeleteObject, &s3.DeleteObjectInput{Bucket: &bucket, Key: &key, ExpectedBucketOwner: owner})
}

// Delivered lists the objects below a prefix.
func (c *Cloud) Delivered(ctx context.Context, bucket, prefix string) ([]string, error) {
	owner, err := c.account(ctx)
	if err != nil {
		return nil, err
	}
	var keys []string
	in := &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix, ExpectedBucketOwner: owner}
	err = pages(ctx, s3.NewListObjectsV2Paginator(c.s3, in), func(out *s3.ListObjectsV2Output) {
		for _, o := range out.Contents {
			keys = append(keys, sdk.ToString(o.Key))
		}
	})
	return keys, err
}

func (c *Cloud) account(ctx context.Context) (*string, error) {
	caller, err := c.Caller(ctx)
	return &caller.Account, err
}

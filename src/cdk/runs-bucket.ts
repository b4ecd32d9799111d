import { aws_s3 as s3, Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/** Bucket and prefix of `target.lambda.runs`. */
export function readRuns(runs: string): { readonly bucket: string; readonly prefix: string } {
  const [, bucket = '', path = ''] = /^s3:\/\/([^/]+)\/?(.*)$/.exec(runs) ?? [];
  return { bucket, prefix: path.replace(/\/+$/, '') };
}

/** A bucket for states, progress and reports. It outlives its stack: what a refresh did is asked months later. */
export function ownRunsBucket(scope: Construct, bucketName: string, keepRuns: Duration): s3.IBucket {
  const bucket = new s3.Bucket(scope, 'Runs', {
    bucketName,
    encryption: s3.BucketEncryption.S3_MANAGED,
    blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
    objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
    enforceSSL: true,
    versioned: false,
    lifecycleRules: [{ expiration: keepRuns, abortIncompleteMultipartUploadAfter: Duration.days(1) }],
    removalPolicy: RemovalPolicy.RETAIN,
  });
  return bucket as s3.IBucket; // their types leave out that an optional property may be undefined
}

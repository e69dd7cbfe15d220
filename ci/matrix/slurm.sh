#!/bin/bash
# One array task for each part of the matrix; submit it from the project's folder.
#SBATCH --job-name=compare
#SBATCH --array=0-7
#SBATCH --cpus-per-task=2
#SBATCH --mem=2G
#SBATCH --time=04:00:00
#SBATCH --requeue
set -eu
mkdir -p results
# Tasks on one machine would wait for each other's cache and target folder.
export TX_ISP_CACHE="${TMPDIR:-/tmp}/tx-isp-$SLURM_ARRAY_TASK_ID"
export CARGO_TARGET_DIR="$TX_ISP_CACHE/target"
exec cargo lab compare \
    --cameras wyze-v3,wyze-v3-stock \
    --rmem 16M..40M/1M --vbs 1..4 --memopt 0,1 \
    --guests all --resume \
    --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" \
    --cells "results/cells-$SLURM_ARRAY_TASK_ID.jsonl" \
    --out "results/logs-$SLURM_ARRAY_TASK_ID"

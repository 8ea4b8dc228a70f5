"""The frames of a shot as numbered files: file names, a bounded cache that reads ahead, threaded writing."""

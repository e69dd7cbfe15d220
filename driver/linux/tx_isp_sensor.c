// SPDX-License-Identifier: GPL-2.0-only
/*
 * The sensor's controls. There is one sensor: every node has the same controls, and each of them
 * changes the picture of all.
 */
#include <media/v4l2-ctrls.h>

#include "tx_isp.h"

/* Gain is given in this many parts of one. */
#define GAIN_UNITY 256

static int set_sensor_control(struct v4l2_ctrl *control)
{
	struct tx_isp *isp = container_of(control->handler, struct tx_isp, sensor_controls);
	int ret = 0;

	mutex_lock(&isp->core_lock);
	/* A sensor that is gone takes nothing; the values stay for whoever asks. */
	if (isp->core_ready)
		ret = control->id == V4L2_CID_EXPOSURE ?
			      tx_isp_core_set_exposure(isp->core, control->val) :
			      tx_isp_core_set_gain(isp->core, control->val, GAIN_UNITY);
	mutex_unlock(&isp->core_lock);
	return ret;
}

static const struct v4l2_ctrl_ops sensor_control_ops = {
	.s_ctrl = set_sensor_control,
};

int tx_isp_sensor_create_controls(struct tx_isp *isp)
{
	struct v4l2_ctrl_handler *handler = &isp->sensor_controls;
	struct tx_isp_sensor_limits limits;

	tx_isp_core_sensor_limits(isp->core, GAIN_UNITY, &limits);
	v4l2_ctrl_handler_init(handler, 2);
	v4l2_ctrl_new_std(handler, &sensor_control_ops, V4L2_CID_EXPOSURE, 1, limits.max_exposure, 1,
			  limits.default_exposure);
	v4l2_ctrl_new_std(handler, &sensor_control_ops, V4L2_CID_GAIN, GAIN_UNITY, limits.max_gain, 1,
			  GAIN_UNITY);
	return handler->error;
}

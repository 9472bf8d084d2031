import sandbox from './sandbox.js';

export const { Sandbox } = sandbox;

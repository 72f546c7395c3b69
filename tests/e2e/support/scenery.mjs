// SPDX-License-Identifier: Apache-2.0
// Drawn pictures for screenshots: a cracked tea cup on a table before the buyer's camera, and a
// colleague before the agent's.

/** Runs in the page. */
function pose({ who, width, height }) {
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const c = canvas.getContext('2d');
  const wash = (from, to, stops) => {
    const gradient = c.createLinearGradient(...from, ...to);
    stops.forEach(([at, colour]) => gradient.addColorStop(at, colour));
    return gradient;
  };
  const oval = (x, y, rx, ry, fill) => {
    c.beginPath();
    c.ellipse(x, y, rx, ry, 0, 0, Math.PI * 2);
    c.fillStyle = fill;
    c.fill();
  };

  function table() {
    c.fillStyle = wash([0, 0], [0, height], [[0, '#d9d2c7'], [0.46, '#c4b9a8'], [0.47, '#8b5e3c'], [1, '#5d3a22']]);
    c.fillRect(0, 0, width, height);
    c.strokeStyle = 'rgb(60 34 16 / 22%)';
    for (let y = height * 0.49; y < height; y += (y - height * 0.42) * 0.28) {
      c.lineWidth = 1 + (y / height) * 3;
      c.beginPath();
      c.moveTo(0, y);
      c.bezierCurveTo(width * 0.3, y + 9, width * 0.7, y - 9, width, y + 4);
      c.stroke();
    }
  }

  function cup(x, y, s) {
    c.filter = 'blur(14px)';
    oval(x + s * 0.25, y + s * 0.98, s * 1.25, s * 0.24, 'rgb(30 15 5 / 45%)');
    c.filter = 'none';
    oval(x, y + s * 0.9, s * 1.25, s * 0.27, wash([x - s, 0], [x + s, 0], [[0, '#f3f1ec'], [1, '#bdb7ac']]));
    oval(x, y + s * 0.87, s * 1.05, s * 0.2, wash([x - s, 0], [x + s, 0], [[0, '#dcd7cd'], [1, '#f5f2ec']]));
    c.lineWidth = s * 0.15;
    c.strokeStyle = wash([x + s * 0.7, y], [x + s * 1.3, y], [[0, '#d6d0c5'], [1, '#a9a294']]);
    c.beginPath();
    c.ellipse(x + s * 0.84, y + s * 0.2, s * 0.34, s * 0.32, -0.2, -1.5, 1.9);
    c.stroke();
    c.beginPath();
    c.moveTo(x - s * 0.86, y - s * 0.3);
    c.bezierCurveTo(x - s * 0.8, y + s * 0.6, x - s * 0.5, y + s * 0.88, x, y + s * 0.9);
    c.bezierCurveTo(x + s * 0.5, y + s * 0.88, x + s * 0.8, y + s * 0.6, x + s * 0.86, y - s * 0.3);
    c.closePath();
    c.fillStyle = wash([x - s, 0], [x + s, 0], [[0, '#e9e5dd'], [0.3, '#ffffff'], [0.7, '#dcd6cb'], [1, '#a79f91']]);
    c.fill();
    c.save();
    c.clip();
    c.strokeStyle = '#2f5f8f';
    for (const [dy, w] of [[-0.08, 5], [0.0, 2], [0.5, 2]]) {
      c.lineWidth = (w * s) / 180;
      c.beginPath();
      c.ellipse(x, y + s * dy, s * 0.9, s * 0.2, 0, 0.05, Math.PI - 0.05);
      c.stroke();
    }
    for (let i = -3; i <= 3; i++) {
      oval(x + i * s * 0.22, y + s * (0.43 - 0.02 * i * i), s * 0.05, s * 0.07, '#3d71a6');
      oval(x + i * s * 0.22, y + s * (0.36 - 0.02 * i * i), s * 0.025, s * 0.03, '#7ba3c9');
    }
    c.restore();
    oval(x, y - s * 0.3, s * 0.86, s * 0.2, '#f7f5f0');
    oval(x, y - s * 0.285, s * 0.8, s * 0.165, wash([0, y - s * 0.45], [0, y - s * 0.1], [[0, '#a79f91'], [1, '#e5e0d6']]));
    c.strokeStyle = '#4a3a2c';
    c.lineJoin = 'round';
    const crack = [[-0.3, -0.12], [-0.24, 0.04], [-0.32, 0.16], [-0.18, 0.3], [-0.25, 0.44], [-0.12, 0.58], [-0.15, 0.7]];
    c.lineWidth = s * 0.014;
    c.beginPath();
    crack.forEach(([dx, dy], i) => c[i ? 'lineTo' : 'moveTo'](x + s * dx, y + s * dy));
    c.moveTo(x - s * 0.18, y + s * 0.3);
    c.lineTo(x - s * 0.02, y + s * 0.36);
    c.stroke();
  }

  function colleague() {
    c.fillStyle = wash([0, 0], [width, height], [[0, '#cfe0da'], [1, '#8fb2a6']]);
    c.fillRect(0, 0, width, height);
    const [x, y, s] = [width / 2, height * 0.44, Math.min(width, height) * 0.2];
    oval(x, y + s * 3, s * 2.3, s * 1.9, '#22443a');
    oval(x, y + s * 1.25, s * 0.45, s * 0.6, '#d9a98a');
    oval(x, y - s * 0.15, s * 1.08, s * 1.22, '#2b211d');
    oval(x, y + s * 0.12, s * 0.86, s * 1.02, '#e6b999');
    oval(x, y - s * 0.72, s * 0.95, s * 0.5, '#2b211d');
    oval(x - s * 0.34, y + s * 0.05, s * 0.09, s * 0.1, '#2b211d');
    oval(x + s * 0.34, y + s * 0.05, s * 0.09, s * 0.1, '#2b211d');
    c.strokeStyle = '#9a4a3c';
    c.lineWidth = s * 0.07;
    c.lineCap = 'round';
    c.beginPath();
    c.arc(x, y + s * 0.38, s * 0.28, 0.35, Math.PI - 0.35);
    c.stroke();
  }

  const paint = () => {
    const sway = Math.sin(Date.now() / 900);
    if (who === 'agent') return colleague();
    table();
    return cup(width * 0.46 + sway * 4, height * 0.5, Math.min(width, height) * 0.34);
  };
  navigator.mediaDevices.getUserMedia = async (wish) => {
    const stream = new MediaStream();
    if (wish.video) {
      paint();
      setInterval(paint, 40);
      stream.addTrack(canvas.captureStream(25).getVideoTracks()[0]);
    }
    if (wish.audio) {
      const context = new AudioContext();
      stream.addTrack(context.createMediaStreamDestination().stream.getAudioTracks()[0]);
    }
    return stream;
  };
}

export function sceneryScript(options) {
  return `(${pose})(${JSON.stringify(options)})`;
}
